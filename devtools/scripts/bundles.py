"""For Odoo's shell: build the web client's bundles, as Odoo's test runner does before browser tests."""

env["ir.qweb"]._pregenerate_assets_bundles()
env.cr.commit()
