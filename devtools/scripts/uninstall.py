"""For Odoo's shell: uninstall the modules that the environment variable MODULES names."""

import os

modules = env["ir.module.module"].search([("name", "in", os.environ["MODULES"].split(","))])
modules.button_immediate_uninstall()
