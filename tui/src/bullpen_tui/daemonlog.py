"""The daemon's log in the mirror: its lines as values, the last two thousand of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bullpen_api.v1 import log_pb2

KEPT = 2000


@dataclass(frozen=True)
class LogLine:
    """One line. `level` is 1 (debug) to 4 (error), `subject` the resource that it is about."""

    name: str
    time: float
    level: int
    component: str
    event: str
    said: str
    subject: str
    traceback: str

    @property
    def text(self) -> str:
        """What a filter looks at."""
        return f"{LEVELS[self.level]} {self.component} {self.event} {self.said}".casefold()


LEVELS = ("", "debug", "info", "warning", "error")


@dataclass(frozen=True)
class DaemonLog:
    """The lines that are known, the newest at the end; `last` is the number after which the log goes on."""

    lines: tuple[LogLine, ...] = ()
    last: int = 0
    least: int = 0
    """The least severe level that the daemon writes; 0 until it is known."""


def short(subject: str) -> str:
    """A resource name without the words that all of them have: `r-0002-time/jobs/3` gives `r-0002-time 3`."""
    parts = subject.split("/")
    return " ".join(parts[3::2] if len(parts) > 3 else parts[1::2]) or subject


def _said(name: str, value: str) -> str:
    plain = " ".join(value.split())
    return f"{name}={short(plain) if plain.startswith('projects/') else plain}"


def line_of(entry: log_pb2.LogEntry) -> LogLine:
    """The line of an entry, its message first; line breaks in values do not break it."""
    message = " ".join(entry.fields.get("message", "").split())
    rest = [_said(name, value) for name, value in sorted(entry.fields.items()) if name != "message"]
    said = "  ".join([message, *rest] if message else rest)
    level = entry.level if 0 < entry.level < len(LEVELS) else log_pb2.LogEntry.LEVEL_INFO
    return LogLine(
        name=str(entry.number),
        time=entry.time.seconds + entry.time.nanos / 1e9,
        level=level,
        component=entry.component,
        event=entry.event,
        said=said,
        subject=entry.subject,
        traceback=entry.traceback,
    )


def grown(log: DaemonLog, message: log_pb2.WatchLogResponse) -> DaemonLog:
    """The log with what a message brought; what is known already comes not twice."""
    fresh = [line_of(entry) for entry in message.entries if entry.number > log.last]
    if message.missed and log.lines:
        words = f"{message.missed} lines are gone from the daemon's memory; they are in logs/bullpend.log"
        at = fresh[0].time if fresh else log.lines[-1].time
        fresh.insert(0, LogLine(f"before {message.last}", at, 3, "studio", "log.missed", words, "", ""))
    lines = (*log.lines, *fresh)[-KEPT:] if fresh else log.lines
    return replace(log, lines=lines, last=max(log.last, message.last), least=message.least or log.least)
