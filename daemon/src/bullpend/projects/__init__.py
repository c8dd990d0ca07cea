"""Projects: the unit of work and of isolation."""
