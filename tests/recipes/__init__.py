"""Tests of recipes that pictures bring with them."""
