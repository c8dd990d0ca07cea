"""What work costs: one ledger for device time and money, limits of projects, and the guard before anything is spent."""
