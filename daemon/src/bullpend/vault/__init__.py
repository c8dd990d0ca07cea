"""Secrets at rest: encrypted under a master key that is kept apart, opened for the one who uses them, never shown."""
