"""Figures of the machine and of the work, read on demand."""
