"""Measures a stored picture against reference pictures, and by models that judge it.

| name | meaning | unit |
|---|---|---|
| `alpha_coverage` | share of pixels that are more than half opaque; only with transparency | share |
| `copy_rate` | share of its patches that the nearest reference has too (`copies`) | share |
| `style_similarity`, `style_drift` | likeness to the mean of the style's references, and the drift | –1–1, 0–1 |
| `identity_similarity`, `identity_drift` | of the character furthest from its references (`identity`) | –1–1, 0–1 |
| `identity_drift/mara`, … | the same of each character; `identity_best_…` where its place is not known | –1–1, 0–1 |
| `copy_rate/mara`, … | the copy rate of each character's references | share |
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
from bullpen_worker.ops import identity
from bullpen_worker.ops.copies import Patches, copy_rate, patches, shifted
from bullpen_worker.ops.figures import Box, crop, figures
from bullpen_worker.ops.finish import read_source
from bullpen_worker.ops.heads import read_head
from bullpen_worker.ops.identity import Place
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
            work = partial(one, subject, references, model_spec(judge.model), max_pixels, found)
            found.take(name, work)
        return link_pb2.PictureMeasured(
            measures=found.values,
            failed_measures=found.failed,
            not_applicable=found.not_applicable,
            nearest=found.nearest,
            basis=found.basis,
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
        values: dict[str, float] = {}
        for measure, group in [("copy_rate", list(references)), *_by_character(references, "copy_rate/")]:
            most = max((one.name for one in group), key=lambda name: rates[name])
            values[measure] = rates[most]
            if rates[most]:
                nearest[measure] = most
        return values

    def _style(
        self, subject: _Stored, references: References, model: ModelSpec, max_pixels: int, found: Measured
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
        self, subject: _Stored, references: References, model: ModelSpec, max_pixels: int, found: Measured
    ) -> dict[str, float]:
        if not references:
            raise NotApplicableError("The scene has no character with reference pictures to compare with.")
        encoder = self._judges.encoder(model)
        sure, standing = self._places(subject, encoder)
        groups: dict[str, list[tuple[str, Points]]] = {}
        for one in references:
            points = self._reference(one, encoder, max_pixels)
            groups.setdefault(one.character, []).append((one.name, points))
        seen = identity.see(subject.image, encoder, groups, sure, standing)
        return identity.told(seen, lambda near: drift(near, encoder.threshold), found.nearest, found.basis)

    def _places(self, subject: _Stored, encoder: Encoder) -> tuple[list[Place], list[Place]]:
        """Where figures are: surely, and by a tagger outside of that. Raises NotApplicableError for nowhere."""
        image = subject.image
        if encoder.margin is None:
            return [], []
        sure = [Place((_pixels(box, image),), identity.PAINTED) for box in subject.painted]
        if not sure and subject.edit is not None:
            sure = [Place((_pixels(subject.edit.box, image),), identity.CHANGED)]
        standing = []
        if subject.tagger is not None:
            tagger = self._judges.tagger(subject.tagger)
            for centre in tagger.standing(_views(tagger, image, [_whole(image)])[0]):
                if not any(
                    left <= centre * image.width <= right for place in sure for left, _, right, _ in place.windows
                ):
                    standing.append(Place(identity.around(image, centre, encoder.size), identity.STANDING))
        if not sure and not standing:
            raise NotApplicableError(
                "The picture was not changed in one place, so it is not known where the figure is."
            )
        return sure, standing

    def _characters(
        self, subject: _Stored, references: References, model: ModelSpec, max_pixels: int, found: Measured
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
        self.painted: list[Box] = [(box.left, box.top, box.right, box.bottom) for box in task.boxes]
        counting = [model_spec(judge.model) for judge in task.judges if judge.subject == "characters"]
        # Tells where somebody stands, if there is one.
        self.tagger = counting[0] if counting else None


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


def _pixels(box: Box, image: Image.Image) -> Box:
    """A box of shares in pixels."""
    left, top, right, bottom = box
    return left * image.width, top * image.height, right * image.width, bottom * image.height


def _by_character(references: References, start: str) -> list[tuple[str, list[link_pb2.ReferencePicture]]]:
    """The references of each character that is known, under a measure's name."""
    groups: dict[str, list[link_pb2.ReferencePicture]] = {}
    for one in references:
        if one.character:
            groups.setdefault(start + one.character.rsplit("/", 1)[-1], []).append(one)
    return list(groups.items())


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
