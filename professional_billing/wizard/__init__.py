from . import account_move_reversal
from . import base_partner_merge
from . import billing_check
from . import billing_indexation
from . import billing_item_hold
from . import billing_rerate
from . import billing_retention_release
from . import billing_wip_date
