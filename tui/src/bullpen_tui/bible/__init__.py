"""Writing the bible: kinds with their fields, drafts that are never lost, and the way to the daemon."""
