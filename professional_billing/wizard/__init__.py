from . import account_move_reversal
from . import base_partner_merge
from . import billing_check
from . import billing_indexation
from . import billing_item_move
from . import billing_prebill_decision
from . import billing_rerate
from . import billing_retention_release
