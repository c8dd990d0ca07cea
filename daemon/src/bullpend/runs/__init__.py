"""Runs: planned, started, followed, reviewed, recorded."""
