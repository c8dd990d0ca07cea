"""What each provider's protocol says: how a call is written, and how its answer is read. Pure, no I/O."""

from __future__ import annotations

from bullpend.remote.providers import cutouts, openai
from bullpend.remote.providers.base import Protocol

PROVIDERS: dict[str, Protocol] = {
    "openai": openai.Images("https://api.openai.com/v1"),
    "openai_compatible": openai.Images(""),
    "photoroom": cutouts.PhotoRoom("https://sdk.photoroom.com"),
    "remove_bg": cutouts.RemoveBg("https://api.remove.bg"),
}
