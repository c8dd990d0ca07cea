"""Text embeddings and source latents, kept by the content that they were made from.

A job encodes its texts and its source once for all its candidates. What is kept here is shared by further jobs: more
candidates of a scene, a retry, the same style text over other pictures. It is kept at the narrowest place, where a
frozen network is called, so every pipeline profits and none has to know: equal inputs, under the same LoRAs, give the
output that the network gave before, to the bit, because it is that output.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

MOST_BYTES = 64 * 1024 * 1024
_SCALARS = (bool, int, float, str, bytes, type(None), torch.dtype, torch.device)


class _NoKeyError(Exception):
    """Something takes part that has no content to be known by."""


@dataclass(frozen=True, slots=True)
class _Kept:
    output: Any
    # Each tensor of the output with its version, by which torch counts changes in place.
    versions: tuple[tuple[torch.Tensor, int], ...]
    size: int

    @property
    def untouched(self) -> bool:
        return all(tensor._version == version for tensor, version in self.versions)


class Remembered:
    """Outputs of the encoders of one pipeline. Used by the device thread."""

    def __init__(self, pipeline: Any, most_bytes: int = MOST_BYTES) -> None:
        """Puts itself before the text and image encoders and before the VAE's encoder."""
        self._most = most_bytes
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self.size_bytes = 0
        self.hits = 0
        # What decides the outputs besides the inputs: the LoRAs that act.
        self.context: Hashable = ()
        for name, part in pipeline.components.items():
            if not isinstance(part, torch.nn.Module):
                continue
            if name.startswith(("text_encoder", "image_encoder")):
                self._put_before(part, "forward", name)
            elif name == "vae":
                self._put_before(part, "encode", name)

    def clear(self) -> None:
        """Forgets everything."""
        self._kept.clear()
        self.size_bytes = 0

    def _put_before(self, part: torch.nn.Module, method: str, name: str) -> None:
        inner: Callable[..., Any] = getattr(part, method)

        def call(*args: Any, **kwargs: Any) -> Any:
            return self._call(name, inner, args, kwargs)

        # Over the instance's own attribute, so that it goes with the network.
        object.__setattr__(part, method, call)

    def _call(self, name: str, inner: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if torch.is_grad_enabled():
            return inner(*args, **kwargs)
        try:
            # A VAE is the same under every LoRA.
            context = () if name == "vae" else self.context
            key = (name, context, _content(args), _content(kwargs))
        except _NoKeyError:
            return inner(*args, **kwargs)
        known = self._kept.get(key)
        if known is not None and known.untouched:
            self._kept.move_to_end(key)
            self.hits += 1
            return known.output
        output = inner(*args, **kwargs)
        self._keep(key, output)
        return output

    def _keep(self, key: Hashable, output: Any) -> None:
        tensors = list(_tensors(output))
        if any(tensor.is_inference() for tensor in tensors):
            return
        size = sum(tensor.untyped_storage().nbytes() for tensor in tensors)
        if size > self._most:
            return
        before = self._kept.pop(key, None)
        self.size_bytes -= before.size if before is not None else 0
        self._kept[key] = _Kept(output, tuple((tensor, tensor._version) for tensor in tensors), size)
        self.size_bytes += size
        while self.size_bytes > self._most:
            self.size_bytes -= self._kept.popitem(last=False)[1].size


def _content(value: Any) -> Hashable:
    """A key that equal contents share. Raises _NoKeyError where there is none."""
    if isinstance(value, torch.Tensor):
        flat = value.detach().contiguous().reshape(-1).view(torch.uint8).cpu().numpy()
        return (tuple(value.shape), value.dtype, hashlib.sha256(flat.data).digest())
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, tuple | list):
        return tuple(_content(item) for item in value)
    if isinstance(value, dict):
        return tuple((key, _content(value[key])) for key in sorted(value))
    raise _NoKeyError


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    """Every tensor of an output, also inside of what a library wraps it in."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _tensors(item)
    elif hasattr(value, "__dict__"):
        for item in vars(value).values():
            yield from _tensors(item)
