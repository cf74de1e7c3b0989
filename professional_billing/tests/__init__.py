from . import test_collection
from . import test_collection_access
from . import test_collection_common
from . import test_collection_event
from . import test_rules_followup
