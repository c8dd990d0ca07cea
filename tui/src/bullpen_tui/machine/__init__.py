"""Devices and where work is best done: what the studio asks of the daemon about its machine."""
