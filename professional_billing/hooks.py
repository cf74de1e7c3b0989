def uninstall_hook(env):
    """Remove what goes with no table: the function that keeps the collection log as it is."""
    env.cr.execute("DROP FUNCTION IF EXISTS collection_event_append_only() CASCADE")
