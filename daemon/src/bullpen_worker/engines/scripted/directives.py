"""The language of scripted prompts.

A prompt may hold `scripted:` followed by directives, for example
`scripted: steps=20 step_ms=5 crash_at=2 faults_until=1`. Reading stops at the first word that is no directive, so the
text may stand inside a longer instruction. A misspelt `name=value` is an error, never ignored.

| directive | effect |
|---|---|
| `steps=N` | N steps in place of the job's |
| `step_ms=X` | each step takes X milliseconds |
| `decode_ms=X` | decoding takes X milliseconds |
| `size=WxH` | size of the picture |
| `fail_at=K` | step K raises an error |
| `oom_at=K` | step K runs out of memory |
| `oom_together` | several candidates together run out of memory |
| `crash_at=K` | the process dies in step K |
| `hang_at=K` | step K never ends |
| `disk_full` | writing the picture finds a full disk |
| `unreadable` | the source picture is found unreadable |
| `nan` | every value is not finite |
| `blank` | the picture has one colour |
| `quick_after=PATH` | steps and decoding take no time once this file is there: a test holds a job and lets it go |
| `candidate=N` | faults, `nan`, `blank`, and steps that wait for a file, only in the N-th candidate of the job |
| `faults_until=N` | the same only up to attempt N of the job |
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bullpen_worker.failures import WorkerError

_MARK = "scripted:"
_NUMBERS = frozenset(
    {"steps", "step_ms", "decode_ms", "fail_at", "oom_at", "crash_at", "hang_at", "candidate", "faults_until"}
)
_FLAGS = frozenset({"oom_together", "disk_full", "unreadable", "nan", "blank"})


@dataclass(frozen=True, slots=True)
class Directives:
    """What a scripted prompt asks for. 0 and False mean: not asked for."""

    steps: int = 0
    step_ms: float = 0.0
    decode_ms: float = 0.0
    width: int = 0
    height: int = 0
    fail_at: int = 0
    oom_at: int = 0
    crash_at: int = 0
    hang_at: int = 0
    candidate: int = 0
    faults_until: int = 0
    oom_together: bool = False
    disk_full: bool = False
    unreadable: bool = False
    nan: bool = False
    blank: bool = False
    quick_after: str = ""

    def for_candidate(self, number: int, attempt: int) -> Directives:
        """The directives as they hold for one candidate of one attempt: without the faults that are not meant."""
        if (self.faults_until and attempt > self.faults_until) or (self.candidate and number != self.candidate):
            play = replace(self, fail_at=0, oom_at=0, crash_at=0, hang_at=0, disk_full=False, nan=False, blank=False)
            return replace(play, quick_after="", step_ms=0.0, decode_ms=0.0) if self.quick_after else play
        return self


def parse(prompt: str) -> Directives:
    """Reads the directives of a prompt; all defaults where it has none. Raises WorkerError on a misspelt one."""
    _, mark, script = prompt.partition(_MARK)
    values: dict[str, float | int | bool | str] = {}
    if not mark:
        return Directives()
    for raw in script.split():
        word = raw.rstrip(",.;")
        name, equals, value = word.partition("=")
        if not equals:
            if word not in _FLAGS:
                break
            values[word] = True
        elif name == "size":
            width, _, height = value.partition("x")
            values["width"], values["height"] = _integer(word, width), _integer(word, height)
        elif name == "quick_after":
            values[name] = value
        elif name in {"step_ms", "decode_ms"}:
            values[name] = _number(word, value)
        elif name in _NUMBERS:
            values[name] = _integer(word, value)
        else:
            raise WorkerError("ENGINE_FAILED", f"The scripted engine knows no directive {name!r}.")
    return Directives(**values)  # type: ignore[arg-type]  # each value was made for its field above


def _integer(word: str, text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise WorkerError("ENGINE_FAILED", f"The scripted directive {word!r} needs a whole number.")
    return int(text)


def _number(word: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise WorkerError("ENGINE_FAILED", f"The scripted directive {word!r} needs a number.") from error
