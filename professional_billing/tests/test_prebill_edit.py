from odoo.tests import Form, tagged

from .common_review import ReviewCommon

TOTALS = (
    "amount_open",
    "amount_bill",
    "amount_written_off",
    "amount_written_up",
    "amount_postponed",
    "amount_discount",
    "amount_payable",
)


@tagged("post_install", "-at_install")
class TestPrebillEdit(ReviewCommon):
    """Totals that follow the lines, at a cost that does not depend on how many there are."""

    def _onchange(self, prebill, line, **vals):
        spec = {name: {} for name in (*TOTALS, "line_ids")}
        spec["line_ids"] = {"fields": {"quantity": {}}}
        return prebill.onchange({"line_ids": [(1, line.id, vals)]}, ["line_ids"], spec)

    def test_totals_before_saving(self):
        """What is typed counts at once, and is nowhere before it is saved."""
        prebill = self._work(10, 5)
        with Form(prebill) as form:
            with form.line_ids.edit(0) as line:
                line.quantity = 8
            self.assertEqual(form.amount_bill, 1300)
            self.assertEqual(form.amount_postponed, 200)
            self.assertEqual(sum(prebill.line_ids.mapped("quantity")), 15)
            with form.line_ids.edit(1) as line:
                line.decision = "write_off"
                line.reason_id = self.reason
            self.assertEqual(form.amount_written_off, 500)
        self.assertEqual(prebill.amount_bill, 800)
        self._save()
        self.assertEqual(len(self._notes(prebill)), 1)

    def test_nothing_stays_of_a_change_that_is_not_saved(self):
        prebill = self._work(10)
        value = self._onchange(prebill, prebill.line_ids, quantity=8)["value"]
        self.assertEqual(value["amount_bill"], 800)
        self._save()
        self.assertEqual(prebill.line_ids.quantity, 10)
        self.assertEqual(prebill.amount_bill, 1000)
        self.assertFalse(self._notes(prebill))

    def test_limits_count(self):
        """The contract's limit cuts the change, as it will when it is saved."""
        self.order.write({"billing_cap_amount": 1000, "billing_cap_policy": "write_down"})
        prebill = self._work(8, 4)
        self.assertEqual(prebill.amount_bill, 1000)
        line = prebill.line_ids.sorted("date")[0]
        value = self._onchange(prebill, line, quantity=4)["value"]
        self.assertEqual(value["amount_bill"], 800)

    def test_what_cannot_be_saved_is_told_by_saving(self):
        prebill = self._work(3)
        self.assertEqual(self._onchange(prebill, prebill.line_ids, quantity=-1), {})
        with self.assertRefused("cannot be more"):
            prebill.line_ids.quantity = -1

    def test_sums_by_the_database_are_those_of_the_lines(self):
        """With every decision there is, and several on one piece of work."""
        self.order.write({"bill_discount_type": "fixed", "bill_discount_amount": 30})
        prebill = self._work(10, 5, 4, 3, 2.35, 1)
        lines = prebill.line_ids.sorted("date")
        lines[0].write({"quantity": 7})
        lines[0].action_write_off_rest()
        lines[1].write({"decision": "postpone"})
        reason = {"reason_id": self.reason.id}
        lines[2].write({"decision": "complimentary", **reason})
        lines[3].write({"rate": 120, **reason})
        lines[4].write({"quantity": 2})
        virtual = prebill.new(origin=prebill)
        virtual.line_ids.modified(["quantity"])
        for name in TOTALS:
            if prebill._fields[name].store:
                self.env.add_to_compute(prebill._fields[name], virtual)
            self.assertAlmostEqual(virtual[name], prebill[name], 2, name)
        self.assertEqual(prebill.amount_bill, 700 + 360 + 200 + 100)

    def test_cost(self):
        """As many queries for a change on a bill of sixty lines as on one of six."""
        counts = []
        for lines in (6, 6, 60):  # the first one fills caches of the server
            order = self._create_engagement([self.hours])
            prebill = self._work(*[1] * lines, line=order.order_line)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._onchange(prebill, prebill.line_ids[0], quantity=0.5)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(*counts[1:])
