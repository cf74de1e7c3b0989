from odoo import api, fields, models
from odoo.tools import formatLang


class CollectionFiguresLine(models.TransientModel):
    """One figure: what it is, how much, and how it came about."""

    _name = "collection.figures.line"
    _description = "Key figure of collection"

    figures_id = fields.Many2one("collection.figures", required=True, ondelete="cascade")
    currency_id = fields.Many2one(related="figures_id.currency_id")
    name = fields.Char(string="Figure", readonly=True)
    value = fields.Float(string="Exact value", readonly=True, aggregator=None)
    unit = fields.Selection([("money", "Money"), ("days", "Days"), ("percent", "%")], readonly=True)
    is_known = fields.Boolean(readonly=True, help="Not known where there is nothing to divide by.")
    text = fields.Char(string="Value", compute="_compute_text")
    working = fields.Char(string="How it is worked out", readonly=True)

    @api.depends("value", "unit", "is_known")
    def _compute_text(self):
        for line in self:
            if not line.is_known:
                line.text = "–"
            elif line.unit == "money":
                line.text = line.figures_id._money(line.value)
            else:
                number = formatLang(self.env, line.value, digits=1)
                line.text = (
                    self.env._("%(number)s days", number=number)
                    if line.unit == "days"
                    else f"{number} %"
                )
