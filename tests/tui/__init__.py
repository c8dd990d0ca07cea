"""Tests of the terminal studio."""
