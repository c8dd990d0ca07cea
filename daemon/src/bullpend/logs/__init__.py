"""The daemon's log: what is written into the file, what of it is kept in memory, and who may look at it."""
