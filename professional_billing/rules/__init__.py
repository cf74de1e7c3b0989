"""The arithmetic of billing: plain functions over Decimal, date and tuples.

Nothing here knows Odoo. Each module can be imported on its own, with the add-on's folder on
the path (``import rules.rounding``), and is shared by the run, the screens and the tests.
"""
