"""Structured logs: one JSON object a line in `<home>/logs/bullpend.log`, and readable lines on a terminal."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from pathlib import Path
from typing import Any

import structlog

from bullpend import redaction

LIMIT = 8 * 1024 * 1024
KEPT = 3
SECRET_KEYS = ("token", "authorization", "secret", "password", "api_key")


def hide_secrets(logger: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Replaces values whose name says that they are secret."""
    for key in event:
        if any(word in key.lower() for word in SECRET_KEYS):
            event[key] = "•••"
    return event


def without_secrets(render: structlog.typing.Processor) -> structlog.typing.Processor:
    """A renderer whose line holds nothing that this process knows to be secret, wherever in the event it stood."""

    def rendered(logger: Any, method: str, event: structlog.typing.EventDict) -> str:
        return redaction.redact(str(render(logger, method, event)))

    return rendered


def configure(folder: Path, level: str) -> None:
    """Sends structlog and the standard library's logging to the file, and to a terminal if there is one."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    file = logging.handlers.RotatingFileHandler(
        folder / "bullpend.log", maxBytes=LIMIT, backupCount=KEPT, encoding="utf-8"
    )
    file.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # Locals may hold secrets: a traceback names places only.
                structlog.processors.ExceptionRenderer(
                    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
                ),
                without_secrets(structlog.processors.JSONRenderer(sort_keys=True)),
            ],
        )
    )
    handlers: list[logging.Handler] = [file]
    if sys.stderr.isatty():
        console = logging.StreamHandler()
        renderer = without_secrets(structlog.dev.ConsoleRenderer())
        console.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=shared,
                processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            )
        )
        handlers.append(console)
    logging.basicConfig(level=level.upper(), handlers=handlers, force=True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=True,
    )
