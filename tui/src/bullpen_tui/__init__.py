"""The terminal studio: one client among others."""
