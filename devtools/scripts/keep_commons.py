"""For Odoo's shell: have the database keep what many classes of our tests share."""

from odoo.addons.professional_billing.tests.common import BillingCommon
from odoo.addons.professional_billing.tests.common_kept import KeptCommon
from odoo.addons.professional_billing.tests.test_collection_common import CollectionCommon

for common in (KeptCommon, BillingCommon, CollectionCommon):
    common._keep()
