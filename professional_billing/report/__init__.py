from . import billing_wip_as_of
from . import collection_ageing
