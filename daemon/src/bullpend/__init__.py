"""The daemon: control plane of Bullpen. Imports no model or picture library."""

__version__ = "0.1.0"
