"""The scripted engine: no model and no model library; does what its prompt says, for tests of faults and of speed."""
