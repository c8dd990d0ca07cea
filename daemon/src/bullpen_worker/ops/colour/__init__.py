"""Colour correction in linear light, and lookup tables."""
