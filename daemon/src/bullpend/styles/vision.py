"""Showing pictures to the language model of the settings: small copies, one question, one bounded answer."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bullpend.errors import LanguageEngineFailed, StateConflict
from bullpend.remote.exchange import Limits, Lost, NotSent, Outgoing, exchange

MOST_ANSWER = 1024 * 1024
MOST_PICTURE = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The OpenAI-compatible server of `copilot.url`. `secret` is a name in the vault, or empty."""

    url: str
    model: str
    secret: str = ""
    whole_seconds: float = 120.0


async def ask(
    endpoint: Endpoint, reveal: Callable[[str], Awaitable[str]], question: str, pictures: Sequence[tuple[Path, str]]
) -> str:
    """What the model says of pictures, by their paths and MIME types.

    Raises StateConflict without a server, LanguageEngineFailed, VaultLocked or ResourceNotFound for its key.
    """
    if not endpoint.url:
        raise StateConflict(
            "No language model is configured that could be shown pictures.",
            field="ask_language_model",
            remedy="Set copilot.url and copilot.model in daemon.toml, or leave it out.",
        )
    shown = [await asyncio.to_thread(_data, path, kind) for path, kind in pictures]
    content: list[dict[str, Any]] = [{"type": "text", "text": question}]
    content += [{"type": "image_url", "image_url": {"url": data}} for data in shown]
    body = {"model": endpoint.model, "messages": [{"role": "user", "content": content}], "stream": False}
    secrets = {"authorization": f"Bearer {await reveal(endpoint.secret)}"} if endpoint.secret else {}
    limits = Limits(
        answer_seconds=endpoint.whole_seconds,
        whole_seconds=endpoint.whole_seconds,
        most_bytes=MOST_ANSWER,
        # Whoever writes the settings chooses the server, which is most often on this machine; as for the copilot.
        allow_private=True,
    )
    try:
        reply = await exchange(Outgoing(f"{endpoint.url.rstrip('/')}/chat/completions", json=body), secrets, limits)
        said = json.loads(reply.body)["choices"][0]["message"]["content"] if reply.status == 200 else None
    except (NotSent, Lost) as error:
        raise LanguageEngineFailed(f"The language model could not be asked: {error}.") from error
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise LanguageEngineFailed("What the language model sent makes no sense.") from error
    if not isinstance(said, str):
        raise LanguageEngineFailed(
            f"The language model answered {reply.status}; does it take pictures?",
            remedy="Configure a model that sees, or leave the language model out.",
        )
    return said


def _data(path: Path, kind: str) -> str:
    """A picture as a data address. Raises LanguageEngineFailed for one that is too large to be shown."""
    if path.stat().st_size > MOST_PICTURE:
        raise LanguageEngineFailed(f"{path.name} is too large to be shown to a language model.")
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
