"""Looks: read off pictures into words, and compared."""
