"""The external agent: instructions that somebody else carries out, and what they say of it."""
