"""Measures a stored picture against reference pictures, and by models that judge it.

| name | meaning | unit |
|---|---|---|
| `alpha_coverage` | share of pixels that are more than half opaque; only with transparency | share |
| `copy_rate` | share of its patches that the nearest reference has too (`copies`) | share |
| `style_similarity`, `style_drift` | likeness to the mean of the style's references, and the drift | –1–1, 0–1 |
| `identity_similarity`, `identity_drift` | likeness of the figure to its nearest reference, and the drift | –1–1, 0–1 |
| `character_count`, `character_change` | places where somebody stands, and how many more than in the source | count |

Drift is `(1 - s) / (2 (1 - t))`, at most 1, for likeness s and the encoder's threshold t: 0 for the same picture, one
half at the threshold. So one limit serves every encoder. Nothing here touches the device: it runs in post workers.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from bullpen_api.worker.v1 import link_pb2
from PIL import Image

from bullpen_worker.engines.base import FileSpec, Mark, ModelSpec
from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.copies import Patches, copy_rate, patches, shifted
from bullpen_worker.ops.figures import Box, crop, figures
from bullpen_worker.ops.finish import read_source
from bullpen_worker.ops.heads import read_head
from bullpen_worker.ops.judges import Encoder, Judges, Points
from bullpen_worker.ops.measure import Measured, NotApplicableError, Subject
from bullpen_worker.ops.picture import damaged, open_picture

T = TypeVar("T")
References = Sequence[link_pb2.ReferencePicture]

# Derived things of references that are kept; each takes at most some hundred kilobytes.
_MOST_KEPT = 256


class Likeness:
    """Runs MeasurePicture tasks; remembers loaded judges and what was seen of references. Any thread may ask."""

    def __init__(self, judges: Judges | None = None) -> None:
        self._judges = judges or Judges()
        self._kept: OrderedDict[tuple[str, ...], Any] = OrderedDict()
        self._lock = threading.Lock()

    def measure(self, task: link_pb2.MeasurePicture, max_pixels: int) -> link_pb2.PictureMeasured:
        """Measures a picture. What a measure meets is told in the answer, by the measure's name.

        Raises WorkerError where the picture itself cannot be read.
        """
        image = open_picture(task.path, max_pixels)
        subject = _Stored(image, task, max_pixels)
        found = Measured()
        found.take("alpha_coverage", lambda: _alpha(task.path, max_pixels))
        if task.references:
            found.take("copy_rate", lambda: self._copies(image, task.references, max_pixels, found.nearest))
        for judge in task.judges:
            name, one = self._measure_of(judge)
            references = [reference for reference in task.references if reference.subject == judge.subject]
            work = partial(one, subject, references, model_spec(judge.model), max_pixels, found.nearest)
            found.take(name, work)
        return link_pb2.PictureMeasured(
            measures=found.values,
            failed_measures=found.failed,
            not_applicable=found.not_applicable,
            nearest=found.nearest,
        )

    def _measure_of(self, judge: link_pb2.Judge) -> tuple[str, Callable[..., dict[str, float]]]:
        match judge.subject:
            case "style":
                return "style_drift", self._style
            case "identity":
                return "identity_drift", self._identity
            case "characters":
                return "character_change", self._characters
            case other:
                raise WorkerError("INTERNAL", f"This worker knows nothing to judge that is called {other!r}.")

    def _copies(
        self, image: Image.Image, references: References, max_pixels: int, nearest: dict[str, str]
    ) -> dict[str, float]:
        made = patches(image)
        rates: dict[str, float] = {}
        for one in references:
            theirs = self._keep(("patches", one.sha256), partial(_shifted, one.path, max_pixels))
            rate = copy_rate(made, theirs)
            if rate is None:
                raise NotApplicableError("The picture has hardly any texture, so nothing can be told of copies.")
            rates[one.name] = rate
        most = max(rates, key=lambda name: rates[name])
        if rates[most]:
            nearest["copy_rate"] = most
        return {"copy_rate": rates[most]}

    def _style(
        self, subject: Subject, references: References, model: ModelSpec, max_pixels: int, nearest: dict[str, str]
    ) -> dict[str, float]:
        if not references:
            raise NotApplicableError("The style guide has no anchors to compare with.")
        encoder = self._judges.encoder(model)
        points = np.concatenate([self._reference(one, encoder, max_pixels) for one in references])
        middle = points.mean(axis=0)
        middle /= max(float(np.linalg.norm(middle)), 1e-9)
        own = encoder.points(_views(encoder, subject.image, [_whole(subject.image)]))
        return _drifted("style", float((own @ middle).max()), encoder.threshold)

    def _identity(
        self, subject: Subject, references: References, model: ModelSpec, max_pixels: int, nearest: dict[str, str]
    ) -> dict[str, float]:
        if not references:
            raise NotApplicableError("The scene's character has no reference pictures to compare with.")
        encoder = self._judges.encoder(model)
        own = encoder.points(_views(encoder, subject.image, [_figure(subject, encoder)]))
        best = {one.name: float((self._reference(one, encoder, max_pixels) @ own.T).max()) for one in references}
        nearest["identity_drift"] = max(best, key=lambda name: best[name])
        return _drifted("identity", max(best.values()), encoder.threshold)

    def _characters(
        self, subject: _Stored, references: References, model: ModelSpec, max_pixels: int, nearest: dict[str, str]
    ) -> dict[str, float]:
        tagger = self._judges.tagger(model)

        def count(image: Image.Image) -> int:
            return tagger.count(_views(tagger, image, [_whole(image)])[0])

        made = count(subject.image)
        values = {"character_count": float(made)}
        if subject.source_path:
            path, key = subject.source_path, ("count", subject.source_sha256 or subject.source_path, tagger.digest)
            before = self._keep(key, lambda: count(open_picture(path, max_pixels)))
            values["character_change"] = float(made - before)
        return values

    def _reference(self, one: link_pb2.ReferencePicture, encoder: Encoder, max_pixels: int) -> Points:
        """Points of a reference, (n, size): of each figure on it for an encoder of figures, else of the whole."""

        def encode() -> Points:
            image = open_picture(one.path, max_pixels)
            boxes = figures(image) if encoder.margin is not None else []
            return encoder.points(_views(encoder, image, boxes or [_whole(image)]))

        return self._keep(("points", one.sha256, encoder.digest), encode)

    def _keep(self, key: tuple[str, ...], make: Callable[[], T]) -> T:
        """What was made for a key before, or is made now. Two threads may make the same; both are right."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                known: T = self._kept[key]
                return known
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return made


class _Stored(Subject):
    """A stored picture, with where its source lies."""

    def __init__(self, image: Image.Image, task: link_pb2.MeasurePicture, max_pixels: int) -> None:
        super().__init__(image, read_source(task.source_path, task.source_sha256, max_pixels), task.edit_share)
        self.source_path, self.source_sha256 = task.source_path, task.source_sha256


def drift(similarity: float, threshold: float) -> float:
    """How far a likeness (-1 to 1) is from being the same, 0–1; one half at the threshold, which lies below 1."""
    return min(1.0, max(0.0, (1 - similarity) / (2 * (1 - threshold))))


def model_spec(ref: link_pb2.ModelRef) -> ModelSpec:
    """A model as the link names it."""
    files = tuple(
        FileSpec(file.path, file.sha256, Mark(file.size_bytes, file.modified_ns, file.changed_ns, file.inode))
        for file in ref.files
    )
    return ModelSpec(ref.name, ref.family, ref.path, ref.digest, files)


def _shifted(path: str, max_pixels: int) -> tuple[Patches, ...]:
    return shifted(open_picture(path, max_pixels))


def _drifted(subject: str, similarity: float, threshold: float) -> dict[str, float]:
    return {f"{subject}_similarity": similarity, f"{subject}_drift": drift(similarity, threshold)}


def _whole(image: Image.Image) -> Box:
    return 0.0, 0.0, float(image.width), float(image.height)


def _figure(subject: Subject, encoder: Encoder) -> Box:
    """Where the figure is that an encoder looks at: the whole picture, or what was edited in one place."""
    image = subject.image
    if encoder.margin is None:
        return _whole(image)
    if subject.edit is None:
        raise NotApplicableError("The picture was not changed in one place, so it is not known where the figure is.")
    left, top, right, bottom = subject.edit.box
    return left * image.width, top * image.height, right * image.width, bottom * image.height


def _views(judge: Any, image: Image.Image, boxes: Sequence[Box]) -> list[Image.Image]:
    """A picture's boxes as the judge wants them: figures with room around, whole pictures at its size."""
    margin = getattr(judge, "margin", None)
    if margin is None:
        return [image.resize(judge.size, Image.Resampling.BILINEAR, reducing_gap=2.0)]
    return [crop(image, box, judge.size, margin) for box in boxes]


def _alpha(path: str, max_pixels: int) -> dict[str, float]:
    head = read_head(path, max_pixels)
    try:
        with Image.open(path, formats=[head.format]) as image:
            if "A" not in image.getbands() and "transparency" not in image.info:
                return {}
            return {"alpha_coverage": alpha_coverage(image.convert("RGBA").getchannel("A"))}
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise damaged(path, head, error) from error


def alpha_coverage(alpha: Image.Image) -> float:
    """Share of pixels of a mask (mode L) that are more than half opaque."""
    counts = alpha.histogram()
    return sum(counts[128:]) / max(1, sum(counts))
