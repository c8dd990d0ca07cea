"""Structured logs: one JSON object a line in `<home>/logs/bullpend.log`, and readable lines on a terminal.

Every line goes the same way: made once, secrets taken out, numbered, kept in memory for whoever looks, and written.
"""

from __future__ import annotations

import logging
import logging.handlers
import sys
from pathlib import Path
from typing import Any

import structlog

from bullpend import redaction
from bullpend.logs.kept import KeptLog

FILE_NAME = "bullpend.log"
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


def add_component(logger: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Says which part of the daemon, or which library, speaks: the name of its logger."""
    record = event.get("_record")
    name = str(record.name if record is not None else logger.name)
    event["component"] = name.removeprefix("bullpend.")
    return event


class Ledger(logging.Handler):
    """Has each line numbered and kept, then written into the file, which is renamed when it has grown."""

    def __init__(self, kept: KeptLog, path: Path) -> None:
        super().__init__()
        self._kept = kept
        self._file = logging.handlers.RotatingFileHandler(path, maxBytes=LIMIT, backupCount=KEPT, encoding="utf-8")
        self._file.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps and writes; what cannot be written down is on standard error, as in the standard library."""
        try:
            line = self._kept.add(self.format(record))
            self._file.emit(logging.makeLogRecord({"msg": line, "levelno": record.levelno}))
        except Exception:  # noqa: BLE001 -- logging must never end what it tells of
            self.handleError(record)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
        super().close()


def configure(folder: Path, level: str) -> KeptLog:
    """Sends structlog and the standard library's logging to the file, and to a terminal if there is one.

    Gives what is kept of it in memory, for `LogService`.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        add_component,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    kept = KeptLog(folder / FILE_NAME)
    kept.least = level.lower()
    file = Ledger(kept, folder / FILE_NAME)
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
    return kept
