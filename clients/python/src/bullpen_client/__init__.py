"""The Python client of the Bullpen daemon: sessions, typed errors, gapless watching, resource names."""

from bullpen_client.breaks import Backoff, Reconnected, Reconnecting
from bullpen_client.connect import Endpoint, Session, is_serving, read_endpoint, resolve_home, start_daemon
from bullpen_client.errors import BullpenError, DaemonUnavailable
from bullpen_client.watch import watch

__all__ = [
    "Backoff",
    "BullpenError",
    "DaemonUnavailable",
    "Endpoint",
    "Reconnected",
    "Reconnecting",
    "Session",
    "is_serving",
    "read_endpoint",
    "resolve_home",
    "start_daemon",
    "watch",
]
