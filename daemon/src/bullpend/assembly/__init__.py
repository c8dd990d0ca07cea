"""Puts the rooms together, in the order in which they need each other: ground, works, services."""
