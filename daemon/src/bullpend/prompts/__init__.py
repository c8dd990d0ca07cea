"""Prompts: kept as they were, expanded from a seed, and enhanced for the family of a model."""
