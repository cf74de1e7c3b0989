"""What many classes of tests share, made once and kept in the database that the tests run on.

To make a company with its chart of accounts and its people costs seconds, and dozens of classes need
them. `./dev test` has `KeptCommon._keep` called when it makes the tests' template; on any other
database nothing is kept, and each class makes its own.
"""

import json

from odoo.models import BaseModel
from odoo.modules.registry import Registry
from odoo.tests import get_db_name

from odoo.addons.account.tests.common import AccountTestInvoicingCommon
from odoo.addons.base.tests.common import BaseCommon

#: The system parameter with {class: {attribute: what `_described` returns}}.
PARAMETER = "professional_billing.kept_for_tests"


class KeptCommon(AccountTestInvoicingCommon):
    """Odoo's common for invoices. A class that builds on it may have records of its own kept.

    They are those that its `_create_kept` makes and assigns to the class. It may not change other
    records, and need not call super.
    """

    @classmethod
    def setUpClass(cls):
        kept = cls._read_kept()
        if kept:
            # EXTENDS base, OVERRIDES account, product and uom, whose records are there.
            super(BaseCommon, cls).setUpClass()
            cls._restore_user(kept)
            cls._assign(kept[KeptCommon.__name__])
            cls.maxDiff, cls.tax_number = None, 0
        else:
            super().setUpClass()
        for common in cls._layers():
            if common.__name__ in kept:
                cls._assign(kept[common.__name__])
            else:
                vars(common)["_create_kept"].__func__(cls)

    @classmethod
    def _layers(cls):
        """Return the classes that have records kept, those that others build on first."""
        return [common for common in reversed(cls.__mro__) if "_create_kept" in vars(common)]

    @classmethod
    def _read_kept(cls):
        with Registry(get_db_name()).cursor() as cr:
            cr.execute("SELECT value FROM ir_config_parameter WHERE key = %s", [PARAMETER])
            row = cr.fetchone()
        return json.loads(row[0]) if row else {}

    @classmethod
    def _restore_user(cls, kept):
        """Work as the user who made the records, with the groups and companies of this class."""
        layers = [KeptCommon, *cls._layers()]
        newest = [kept[common.__name__] for common in layers if common.__name__ in kept][-1]
        user = cls.env["res.users"].browse(kept[KeptCommon.__name__]["user"]["ids"])
        companies = cls.env["res.company"].browse(newest["user_companies"]["ids"])
        for field, records in (("group_ids", cls.get_default_groups()), ("company_ids", companies)):
            if user[field] != records:
                user[field] = records
        cls.env = cls.env(user=user, context=cls.default_env_context())

    @classmethod
    def _assign(cls, described):
        for name, value in described.items():
            setattr(cls, name, cls._found(value))

    @classmethod
    def _found(cls, described):
        if "model" in described:
            return cls.env[described["model"]].browse(described["ids"])
        return {name: cls._found(value) for name, value in described.items()}

    @staticmethod
    def _is_of_records(value):
        values = value.values() if isinstance(value, dict) else [value]
        return all(isinstance(records, BaseModel) for records in values)

    @classmethod
    def _described(cls, value):
        """Return records as {"model": name, "ids": ids}, and a dict of them as a dict of these."""
        if isinstance(value, BaseModel):
            return {"model": value._name, "ids": value.ids}
        return {name: cls._described(records) for name, records in value.items()}

    @classmethod
    def _keep(cls):
        """Commit what the class makes, and note it for the classes of tests that build on it."""
        kept, before = cls._read_kept(), dict(vars(cls))
        cls.setUpClass()
        try:
            cls.user_companies = cls.env.user.company_ids
            kept[cls.__name__] = {
                name: cls._described(value)
                for name, value in vars(cls).items()
                if value is not before.get(name) and cls._is_of_records(value)
            }
            cls.env["ir.config_parameter"].sudo().set_param(PARAMETER, json.dumps(kept))
            cls.env.flush_all()
            type(cls.cr).commit(cls.cr)
        finally:
            cls.doClassCleanups()
