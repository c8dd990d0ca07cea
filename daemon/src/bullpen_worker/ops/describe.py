"""What a picture shows, in a tagger's words, and where its look lies among those that an encoder of styles tells apart.

A tagger's `heads` (see `judges.py`) each give one word; the share is the softmax over the words of its head. Heads of a
place, such as `left.hair`, are about who stands there and say nothing of the look.
"""

from __future__ import annotations

import numpy as np
from bullpen_api.worker.v1 import link_pb2
from PIL import Image

from bullpen_worker.failures import WorkerError
from bullpen_worker.model_spec import model_spec
from bullpen_worker.ops.judges import Judges, OnnxTagger
from bullpen_worker.ops.measure import NotApplicableError
from bullpen_worker.ops.picture import open_picture


class Describing:
    """Describes pictures; keeps the latest models."""

    def __init__(self) -> None:
        self._judges = Judges(most=2)

    def describe(self, task: link_pb2.DescribePicture, max_pixels: int) -> link_pb2.PictureDescribed:
        """Raises WorkerError PICTURE_UNREADABLE, PICTURE_TOO_LARGE, MODEL_CORRUPT or MODEL_UNSUPPORTED."""
        image = open_picture(task.path, max_pixels)
        made = link_pb2.PictureDescribed()
        try:
            if task.HasField("tagger"):
                made.tags.extend(tags(self._judges.tagger(model_spec(task.tagger)), image))
            if task.HasField("encoder"):
                encoder = self._judges.encoder(model_spec(task.encoder))
                made.point.extend(float(value) for value in encoder.points([_sized(image, encoder.size)])[0])
                made.threshold = encoder.threshold
        except NotApplicableError as error:
            raise WorkerError("MODEL_UNSUPPORTED", str(error), "Install what the message names.") from error
        return made


def tags(tagger: OnnxTagger, image: Image.Image) -> list[link_pb2.PictureTag]:
    """The surest word of each head that is about the whole picture. Raises WorkerError MODEL_CORRUPT."""
    found = tagger.run([_sized(image, tagger.size)])
    made = []
    for head, words in tagger.config["heads"].items():
        if "." in head:
            continue
        if head not in found or found[head].shape[-1] != len(words):
            raise WorkerError("MODEL_CORRUPT", f"config.json of {tagger.name}: the head {head} is not in its file.")
        row = np.asarray(found[head][0], np.float64)
        if not np.isfinite(row).all():
            raise WorkerError("ENGINE_FAILED", f"{tagger.name} gave no number for {head}.")
        share = np.exp(row - row.max())
        best = int(share.argmax())
        made.append(link_pb2.PictureTag(head=head, word=str(words[best]), share=float(share[best] / share.sum())))
    return made


def _sized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
