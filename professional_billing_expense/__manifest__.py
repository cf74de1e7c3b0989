{
    "name": "Professional Billing: expenses",
    "version": "19.0.1.0.0",
    "category": "Services/Professional Billing",
    "summary": "Employees' expenses on the bills of an engagement: mark-up, limits, receipts",
    "author": "Professional Billing",
    "license": "LGPL-3",
    "auto_install": True,
    "depends": [
        "professional_billing",
        "sale_expense",
    ],
    "data": [
        "security/ir.model.access.csv",
        "security/billing_expense_rules.xml",
        "views/billing_expense_term_views.xml",
        "views/billing_item_views.xml",
        "views/billing_prebill_views.xml",
        "views/sale_order_views.xml",
    ],
    "demo": [
        "demo/billing_expense_demo.xml",
    ],
    "uninstall_hook": "uninstall_hook",
    "assets": {
        "web.assets_tests": [
            "professional_billing_expense/static/tests/tours/**/*",
        ],
    },
}
