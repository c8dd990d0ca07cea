"""The models that are installed on this machine: found, described and checked, never loaded."""
