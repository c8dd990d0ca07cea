"""The figures that must hold, measured: `python -m tests.bench`. No tests: pytest collects nothing here."""
