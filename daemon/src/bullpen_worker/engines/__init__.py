"""Engines: what makes pictures. Each sub-package is imported only in a worker that was told to use it."""
