from . import billing_wip_as_of
