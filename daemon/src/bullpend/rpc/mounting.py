"""Which service of the contract a servicer is: read off the class that was generated for it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

# A generated `add_…Servicer_to_server`, the servicer, and the service's full name.
Mount = tuple[Callable[[Any, Any], None], object, str]

_GENERATED = "_pb2_grpc"


def mount(servicer: object) -> Mount:
    """What a server needs to serve `servicer`. Raises TypeError where it is no servicer of generated code."""
    for base in type(servicer).__mro__:
        if base.__module__.endswith(_GENERATED) and base.__name__.endswith("Servicer"):
            add = getattr(sys.modules[base.__module__], f"add_{base.__name__}_to_server")
            messages = import_module(base.__module__.removesuffix("_grpc"))
            service = messages.DESCRIPTOR.services_by_name[base.__name__.removesuffix("Servicer")]
            return add, servicer, service.full_name
    raise TypeError(f"{type(servicer).__qualname__} serves nothing of the contract")
