"""The command line: one client among others."""
