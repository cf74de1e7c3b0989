from . import account_analytic_line
from . import account_analytic_line_control
from . import account_move
from . import account_move_annex
from . import account_move_batch
from . import account_move_complete
from . import account_move_consolidation
from . import account_move_deposit
from . import account_move_line
from . import account_move_line_retention
from . import account_move_discount
from . import account_move_retention
from . import billing_bulk  # the next ones are made of it
from . import billing_bulk_links
from . import billing_allocation
from . import billing_cap_mixin
from . import billing_installment
from . import billing_item
from . import billing_item_accrual
from . import billing_item_balance
from . import billing_item_behind
from . import billing_item_effects
from . import billing_item_time
from . import billing_item_retainer
from . import billing_item_hold  # holds what the rules before would bill
from . import billing_line_terms_mixin
from . import billing_method
from . import billing_method_fixed_fee
from . import billing_method_milestone
from . import billing_method_progress
from . import billing_method_recurring
from . import billing_method_time_materials
from . import billing_method_allowance  # made of the one before
from . import billing_method_retainer  # made of it, too
from . import billing_method_prepaid
from . import billing_method_unit
from . import billing_method_success_fee
from . import billing_prebill
from . import billing_prebill_hold
from . import billing_prebill_invoice
from . import billing_prebill_plain
from . import billing_prebill_limit
from . import billing_prebill_line
from . import billing_prebill_payable
from . import billing_prebill_payers
from . import billing_prebill_postpone
from . import billing_prebill_review
from . import billing_prebill_history
from . import billing_prebill_edit
from . import billing_prebill_proforma
from . import billing_prebill_tolerance
from . import billing_source  # the next ones are made of it
from . import billing_block
from . import billing_progress
from . import billing_rate
from . import billing_rate_card
from . import billing_rater
from . import billing_reason
from . import billing_role
from . import billing_role_assignment
from . import billing_run
from . import billing_run_line
from . import billing_run_check  # extends the line
from . import billing_run_schedule  # extends both
from . import billing_run_send  # extends both
from . import billing_run_worker
from . import billing_run_consolidation  # extends the line
from . import billing_tier_mixin  # the next ones are made of it
from . import billing_tier
from . import billing_discount_tier
from . import billing_usage
from . import billing_terms_mixin
from . import billing_time_type
from . import account_partial_reconcile
from . import collection_bulk  # the next ones are made of it
from . import collection_log
from . import collection_account_move
from . import collection_account_move_line
from . import collection_case
from . import collection_case_balance
from . import collection_case_reminder
from . import collection_case_statement
from . import collection_case_statement_file
from . import collection_case_statement_mail
from . import collection_case_work
from . import collection_charge
from . import collection_charge_invoice
from . import collection_charge_terms
from . import collection_company
from . import collection_decision
from . import collection_event
from . import collection_hold
from . import collection_case_portal  # extends it too
from . import collection_letter
from . import collection_level
from . import collection_policy
from . import collection_rate_table
from . import collection_run
from . import collection_run_line
from . import collection_run_schedule  # extends the run
from . import collection_sale_order
from . import collection_sending
from . import collection_statement
from . import collection_withdrawal
from . import collection_write_off
from . import collection_write_off_entry
from . import collection_account_move_charge  # extends policies and others
from . import collection_charge_proposal  # extends cases and runs
from . import hr_employee
from . import hr_version
from . import mail_thread
from . import product_template
from . import project_milestone
from . import project_project
from . import res_company
from . import res_config_settings
from . import res_partner
from . import sale_order
from . import billing_client_po  # extends the one before
from . import sale_order_check
from . import sale_order_credit_hold
from . import sale_order_line
from . import sale_order_line_ledger
from . import sale_order_line_terms
from . import sale_order_line_retainer
from . import sale_order_summary
from . import sale_order_template
from . import sale_order_template_line
from . import billing_reminder
from . import sale_order_discount  # on the bill before the next ones
from . import sale_order_retention
from . import sale_order_deposit
from . import billing_item_bill
from . import billing_item_write_off
from . import account_move_period  # extends pre-bills too
from . import billing_payer
from . import sale_order_payers
from . import sale_order_consolidation  # around all that an invoice is made of
