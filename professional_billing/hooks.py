from .models.billing_bulk_links import drop_functions
from .models.billing_reminder import REVIEW, STALE
from .models.collection_write_off import ACTIVITY as BAD_DEBT


def uninstall_hook(env):
    """Remove what goes with no table: functions of the database, and activities of our types."""
    drop_functions(env.cr)
    env.cr.execute("DROP FUNCTION IF EXISTS collection_log_append_only() CASCADE")
    types = [kind.id for name in (REVIEW, STALE, BAD_DEBT) if (kind := env.ref(name, False))]
    activities = env["mail.activity"].with_context(active_test=False)
    activities.search([("activity_type_id", "in", types)]).unlink()
