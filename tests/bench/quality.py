"""What the measures without models take for one candidate of 512×512 pixels, on one core of a post worker.

The candidate is measured as it is stored, and its PNG is then opened and compared with an anchor of the style and a
reference of the character. The source was seen before, as it was for all but a job's first candidate; that one's figure
is told too.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bullpen_api.worker.v1 import link_pb2
from bullpen_starter.render import HEROES, PanelSpec, portrait, render
from bullpen_starter.train.data import chain
from bullpen_worker.ops.finish import read_source
from bullpen_worker.ops.likeness import Likeness
from bullpen_worker.ops.measure import Subject, measure
from PIL import Image

from tests.bench.effort import Effort
from tests.bench.table import Row, Series

SIZE = (512, 512)
MOST = 0.030
PIXELS = 1_000_000


async def measure_quality(effort: Effort) -> list[Row]:
    """Processor time of the thread that measures; each value is one candidate."""
    return await asyncio.to_thread(_rows, effort.count(40, 8))


def _rows(count: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        bench = _Bench(Path(folder))
        stored, compared = Series.of(_times(bench.store, count)), Series.of(_times(bench.compare, count))
        first = Series.of(_times(bench.store_first, count))
    # Of the same candidate, one after the other.
    whole = Series.of([a + b for a, b in zip(stored.values, compared.values, strict=True)])
    return [
        Row(
            "measures without models, one candidate of 512×512",
            f"≤ {MOST * 1000:.0f} ms a core",
            f"{whole.text('ms', 1000, 1)}; {stored.median * 1000:.1f} by itself "
            f"({first.median * 1000:.1f} for a job's first), "
            f"{compared.median * 1000:.1f} to open it and compare it with two references",
            whole.median <= MOST,
            {
                "whole": whole.to_dict(),
                "stored": stored.to_dict(),
                "compared": compared.to_dict(),
                "first": first.to_dict(),
            },
        )
    ]


def _times(work: Callable[[], None], count: int) -> list[float]:
    work()
    values = []
    for _ in range(count):
        began = time.thread_time()
        work()
        values.append(time.thread_time() - began)
    return values


class _Bench:
    """A source, a candidate made from it with a figure put in, and two references."""

    def __init__(self, folder: Path) -> None:
        specs: list[PanelSpec] = chain(3)[0]
        mara = HEROES["mara"]
        pictures = {
            "source": render(specs[0], SIZE).picture,
            "candidate": render(replace(specs[0], characters=(mara.at("left"),)), SIZE).picture,
            "style": render(specs[-1], SIZE).picture,
            "identity": portrait(mara, SIZE),
        }
        for name, picture in pictures.items():
            picture.convert("RGB").save(folder / f"{name}.png", compress_level=3)
        self._image = Image.open(folder / "candidate.png").convert("RGB")
        self._source = str(folder / "source.png")
        self._likeness = Likeness()
        references = [
            link_pb2.ReferencePicture(subject=name, name=name, path=str(folder / f"{name}.png"), sha256=name)
            for name in ("style", "identity")
        ]
        self._task = link_pb2.MeasurePicture(
            path=str(folder / "candidate.png"),
            references=references,
            source_path=self._source,
            source_sha256="source",
            edit_share=0.4,
        )

    def store(self) -> None:
        """What is measured of a picture while it is stored; the picture is a new one each time."""
        self._store("source")

    def store_first(self) -> None:
        """The same with a source that nobody has seen."""
        self._store("")

    def _store(self, source: str) -> None:
        found = measure(Subject(self._image.copy(), read_source(self._source, source, PIXELS), 0.4))
        assert not found.failed, found.failed
        assert "structure_f1" in found.values

    def compare(self) -> None:
        """What is measured of it afterwards."""
        found = self._likeness.measure(self._task, PIXELS)
        assert not found.failed_measures, found.failed_measures
        assert "copy_rate" in found.measures
