"""Remote models and paid requests."""
