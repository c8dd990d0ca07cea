"""Pictures without a model: a small pattern that follows from seed, prompt and guidance, made in microseconds.

A model's folder may hold `scripted.json`, so that loading, eviction and broken models can be played too:

| key | effect |
|---|---|
| `load_ms` | loading takes so long |
| `fail` | loading fails with this error reason |
| `size_bytes` | what the model takes of the device's memory, as a whole |
| `parts_bytes`, `pieces_bytes` | what it takes in parts and in pieces; without them it can only be whole |
| `work_bytes` | what each of its jobs takes beside it; more than is free gives an error of memory |
| `hidden_bytes` | what loading it takes though nothing told of it |
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import struct
import threading
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bullpen_worker.engines.base import (
    Controls,
    Denoising,
    DenoisingTogether,
    EngineInfo,
    JobSpec,
    ModelSpec,
    Picture,
    Preview,
    Step,
    Weights,
)
from bullpen_worker.engines.scripted.directives import Directives, parse
from bullpen_worker.failures import WorkerError
from bullpen_worker.machine import process_memory, total_memory
from bullpen_worker.memory_rules import Placement

_CYCLE = bytes(range(256)) * 2
_DEFAULT_SIZE = 8
_INTO_STEP_SECONDS = 0.1
# How often a step that waits for a file looks for it.
_LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class ScriptedModel:
    """A model that is nothing but its size, and the size of its work."""

    size_bytes: int
    work_bytes: int = 0
    hidden_bytes: int = 0


class ScriptedEngine:
    """Engine that follows the directives of the prompt; see `directives`."""

    announces_decoding = False
    placements = frozenset(Placement)

    def __init__(self, memory_bytes: int = 0) -> None:
        """`memory_bytes` is the size of the device's memory; 0 takes the machine's."""
        self._total = memory_bytes or total_memory()
        self._used = 0
        self._taken = 0

    def info(self) -> EngineInfo:
        """Names itself as the device."""
        return EngineInfo("scripted", "Scripted device", self._total, {"scripted": "1"})

    def free_memory(self) -> int:
        """What the models that were loaded leave of the device's memory."""
        return max(0, self._total - self._used)

    def weigh(self, model: ModelSpec) -> Weights:
        """The sizes that the script names."""
        play = _script(model)
        whole = int(play.get("size_bytes", 1 << 20))
        return Weights(whole, int(play.get("parts_bytes", whole)), int(play.get("pieces_bytes", whole)))

    def watch(self) -> None:
        """Begins to watch the work."""
        self._taken = 0

    def taken(self) -> int:
        """The most that a job took since."""
        return self._taken

    def memory_used(self) -> int:
        """Resident memory of the process in bytes."""
        return process_memory()

    def load(self, model: ModelSpec, placement: Placement = Placement.WHOLE) -> ScriptedModel:
        """Plays what `scripted.json` in the model's folder says; one mebibyte at once where there is none."""
        play, weights = _script(model), self.weigh(model)
        time.sleep(float(play.get("load_ms", 0)) / 1000)
        if "fail" in play:
            raise WorkerError(play["fail"], f"The scripted model {model.name} fails to load.")
        size = {Placement.WHOLE: weights.whole, Placement.PARTS: weights.parts, Placement.PIECES: weights.pieces}
        made = ScriptedModel(size[placement], int(play.get("work_bytes", 0)), int(play.get("hidden_bytes", 0)))
        if made.size_bytes + made.hidden_bytes > self.free_memory():
            raise MemoryError(f"scripted lack of memory for {model.name}")
        self._used += made.size_bytes + made.hidden_bytes
        return made

    def unload(self, model: ScriptedModel) -> None:
        """Its memory is free again."""
        self._used -= model.size_bytes + model.hidden_bytes

    def rest(self, model: ScriptedModel) -> None:
        """Has nothing to do after a job."""

    def prepare(self, model: ScriptedModel, job: JobSpec) -> ScriptedJob:
        """Reads the prompt's directives. A source that is gone fails the job, as it does where one is read."""
        directives = parse(job.prompt)
        if job.source_path and not Path(job.source_path).exists():
            raise WorkerError("PATH_NOT_FOUND", f"{job.source_path} does not exist.")
        if directives.unreadable:
            raise WorkerError("PICTURE_UNREADABLE", f"{job.source_path} is played to be unreadable.")
        self._taken = max(self._taken, min(model.work_bytes, self.free_memory()))
        if model.work_bytes > self.free_memory():
            raise MemoryError("scripted lack of memory for the work")
        return ScriptedJob(job, directives)

    def recover(self) -> None:
        """Has nothing to free."""


def _script(model: ModelSpec) -> dict[str, Any]:
    script = Path(model.path, "scripted.json")
    if not model.path or not script.is_file():
        return {}
    play: dict[str, Any] = json.loads(script.read_text(encoding="utf-8"))
    return play


class ScriptedJob:
    """A scripted prompt, ready to be played once for each candidate."""

    respaces = True

    def __init__(self, job: JobSpec, directives: Directives) -> None:
        self._job = job
        self._directives = directives
        self._width = directives.width or job.width or _DEFAULT_SIZE
        self._height = directives.height or job.height or _DEFAULT_SIZE

    def denoise(self, number: int, seed: int, controls: Controls) -> Denoising:
        """Waits as told, step by step; the picture follows from seed, prompt and the guidance of each step."""
        (picture,) = yield from self._play(number, (seed,), controls)
        return picture

    def denoise_together(self, seeds: Sequence[int], controls: Controls) -> DenoisingTogether:
        """Waits as for one; the pictures are those that each would be alone."""
        if self._directives.oom_together:
            raise MemoryError("scripted lack of memory for a batch")
        return (yield from self._play(1, seeds, controls))

    def _play(self, number: int, seeds: Sequence[int], controls: Controls) -> DenoisingTogether:
        job = self._job
        play = self._directives.for_candidate(number, job.attempt)
        steps = controls.steps or play.steps or max(job.steps, 1)
        words = f"{job.prompt}\n{job.negative_prompt}\n{steps}"
        traces = [hashlib.blake2b(f"{seed}\n{words}".encode(), digest_size=32) for seed in seeds]
        step = 0
        while step < (total := controls.steps or steps):
            step += 1
            _take(play.step_ms, play.quick_after)
            _play_faults(play, step)
            for trace in traces:
                trace.update(struct.pack("<dd", controls.guidance_scale, controls.image_guidance_scale))
            yield Step(step, total, lambda: self._preview(traces[0].digest()))
        _take(play.decode_ms, play.quick_after)
        if play.disk_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return [self._picture(play, trace.digest()) for trace in traces]

    def _picture(self, play: Directives, digest: bytes) -> Picture:
        if play.nan:
            return Picture(self._width, self._height, bytes(self._width * self._height * 3), 1.0)
        if play.blank:
            return Picture(self._width, self._height, b"\x80" * (self._width * self._height * 3))
        return Picture(self._width, self._height, pattern(digest, self._width, self._height))

    def _preview(self, digest: bytes) -> Preview:
        return Preview(_png(pattern(digest, 16, 16), 16, 16), "image/png")


def _take(milliseconds: float, quick_after: str) -> None:
    """Takes so long, or until the file is there that ends all waiting."""
    if not quick_after:
        if milliseconds:
            time.sleep(milliseconds / 1000)
        return
    end = time.monotonic() + milliseconds / 1000
    while (left := end - time.monotonic()) > 0 and not os.path.exists(quick_after):  # noqa: PTH110 - asked often
        time.sleep(min(left, _LOOK_SECONDS))


def pattern(digest: bytes, width: int, height: int) -> bytes:
    """RGB bytes of a picture that follows from a digest alone: one row, shifted in value from line to line."""
    row = (digest * (width * 3 // len(digest) + 1))[: width * 3]
    stride = 1 + digest[0] % 13
    starts = ((y * stride) & 255 for y in range(height))
    return b"".join(row.translate(_CYCLE[start : start + 256]) for start in starts)


def _play_faults(play: Directives, step: int) -> None:
    if step == play.fail_at:
        raise RuntimeError(f"scripted failure at step {step}")
    if step == play.oom_at:
        raise MemoryError(f"scripted lack of memory at step {step}")
    if step == play.crash_at:
        # In the midst of a step, when what was handed over before it is on its way.
        time.sleep(_INTO_STEP_SECONDS)
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    if step == play.hang_at:
        threading.Event().wait()


def _png(rgb: bytes, width: int, height: int) -> bytes:
    """Encodes RGB bytes by the PNG specification's shortest path, without a picture library."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    stride = width * 3
    lines = b"".join(b"\0" + rgb[y * stride : (y + 1) * stride] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 1)) + chunk(b"IEND", b"")
