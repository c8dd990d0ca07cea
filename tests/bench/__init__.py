"""The figures that must hold, measured: `python -m tests.bench`. The suite only tests how the table is made."""
