"""Decisions of the models room: what a folder's description means. Pure functions."""

from __future__ import annotations

from bullpend.models.model import Model


def require(model: Model, capability: str = "") -> Model:
    """The model, if it may be used and can do `capability`.

    Raises ModelCorrupt, ModelUnsafe or ModelUnsupported.
    """
    raise NotImplementedError
