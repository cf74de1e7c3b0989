def uninstall_hook(env):
    """Give expenses that are not billed back to Odoo's own way; what is billed stays in the ledger."""
    lines = env["sale.order.line"].search([("billing_rule", "=", "expense")])
    lines.filtered(lambda line: not line.billing_item_ids._is_settled()).billing_rule = False
