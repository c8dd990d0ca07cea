"""Exports in the studio: the form, how far they are, what came of them."""
