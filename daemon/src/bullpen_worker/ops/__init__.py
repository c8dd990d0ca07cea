"""Work on pictures that needs no model: check, fit, measure, encode, store."""
