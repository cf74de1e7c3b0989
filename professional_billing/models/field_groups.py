"""Who sees what hangs on Odoo's own records; others read those records without it, as in plain Odoo."""

BILLING_STAFF = (
    "professional_billing.group_billing_reviewer,professional_billing.group_billing_officer"
)
CONTRACT_STAFF = f"sales_team.group_sale_salesman,{BILLING_STAFF}"
EMPLOYEES = "base.group_user"
COLLECTORS = "professional_billing.group_collection_agent"
