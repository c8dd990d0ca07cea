"""The Python client of the Bullpen daemon."""
