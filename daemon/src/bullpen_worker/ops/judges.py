"""Models that judge pictures, from ONNX files with a `config.json` beside them.

An encoder turns a picture into a point on the unit sphere; the dot product of two points says how alike they are, and
from the encoder's threshold on they count as the same. Any encoder that is given so will do: the starter's, or one like
CLIP, DINO or CCIP. What its `config.json` says:

| key | meaning |
|---|---|
| `height`, `width` | size of its input in pixels |
| `threshold` | likeness from which on two pictures count as the same, below 1 |
| `range` | what 0 and 255 become, `[-1, 1]` where it is missing |
| `mean`, `std` | instead of `range`: subtracted from and divided into values of 0–1, by channel |
| `crop` | `figure`: it wants one figure cut out; `whole`: the picture. Without it `figure` where there is a `margin` |
| `margin` | share of a figure's height that is left around it, 0 where it is missing |
| `input`, `output` | names in the ONNX file; the first ones where they are missing |

A tagger has `heads` in place of a threshold: its outputs with their words. Those named `<place>.present` with the words
`no` and `yes` tell where somebody stands, and `places` where that is across the picture, 0–1, by the place's name.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bullpen_worker.checked_files import CheckedFiles
from bullpen_worker.engines.base import ModelSpec
from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.measure import NotApplicableError

Points = NDArray[np.float32]

_MOST_SIDE = 2048


class Encoder(Protocol):
    """What judges likeness. `margin` is None for one that wants whole pictures."""

    digest: str
    size: tuple[int, int]
    margin: float | None
    threshold: float

    def points(self, pictures: Sequence[Image.Image]) -> Points:
        """Unit vectors (n, anything) of RGB pictures of `size` (width, height)."""


class Onnx:
    """An ONNX file with its configuration."""

    def __init__(self, model: ModelSpec) -> None:
        """Loads it on one thread. Raises WorkerError MODEL_CORRUPT, NotApplicableError without a runtime for it."""
        try:
            import onnxruntime
        except ImportError as error:
            raise NotApplicableError(f"onnxruntime, which {model.name} needs, is not installed.") from error
        checked = CheckedFiles(model)
        self.name, self.digest = model.name, model.digest
        self.config = _config(model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(_file(model)), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            # The library's own errors have no common family; each of them means the same here.
            raise WorkerError("MODEL_CORRUPT", f"{model.name} cannot be loaded: {_line(error)}") from error
        checked.still_sound()
        self.size = (self._side("width"), self._side("height"))
        self._input = str(self.config.get("input", self._session.get_inputs()[0].name))
        self.outputs = [output.name for output in self._session.get_outputs()]

    def run(self, pictures: Sequence[Image.Image]) -> Mapping[str, NDArray[Any]]:
        """All outputs, by name, for RGB pictures of `size`."""
        values = np.stack([np.asarray(picture, np.float32) for picture in pictures]).transpose(0, 3, 1, 2) / 255
        if "mean" in self.config:
            mean, std = (np.array(self.config[key], np.float32).reshape(-1, 1, 1) for key in ("mean", "std"))
            values = (values - mean) / std
        else:
            low, high = self.config.get("range", (-1.0, 1.0))
            values = values * np.float32(high - low) + np.float32(low)
        found = self._session.run(self.outputs, {self._input: np.ascontiguousarray(values, np.float32)})
        return dict(zip(self.outputs, found, strict=True))

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        """A number of the configuration between two bounds. Raises WorkerError MODEL_CORRUPT."""
        value = self.config.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise WorkerError(
                "MODEL_CORRUPT", f"config.json of {self.name}: {key} is no number of {low:g} to {high:g}."
            )
        return float(value)

    def _side(self, key: str) -> int:
        return int(self.number(key, 1, _MOST_SIDE))


class OnnxEncoder(Onnx):
    """An encoder from a folder."""

    def __init__(self, model: ModelSpec) -> None:
        super().__init__(model)
        self.threshold = self.number("threshold", -1.0, 0.999)
        figure = self.config.get("crop", "figure" if "margin" in self.config else "whole") == "figure"
        self.margin = self.number("margin", 0.0, 1.0, 0.0) if figure else None

    def points(self, pictures: Sequence[Image.Image]) -> Points:
        """Unit vectors, (n, size)."""
        found = np.asarray(self.run(pictures)[str(self.config.get("output", self.outputs[0]))], np.float32)
        flat = found.reshape(len(pictures), -1)
        length = np.linalg.norm(flat, axis=1, keepdims=True)
        if not np.isfinite(length).all() or not length.all():
            raise WorkerError("ENGINE_FAILED", f"{self.name} gave no direction for a picture.")
        points: Points = flat / length
        return points


class OnnxTagger(Onnx):
    """A tagger from a folder, asked for one thing: at which places somebody stands."""

    def __init__(self, model: ModelSpec) -> None:
        super().__init__(model)
        said = self.config.get("heads")
        heads: dict[str, Any] = said if isinstance(said, dict) else {}
        names = [name for name in heads if name.endswith(".present")]
        if not names or any(name not in self.outputs or "yes" not in heads[name] for name in names):
            raise WorkerError(
                "MODEL_CORRUPT", f"config.json of {self.name}: heads tell of no place whether it is taken."
            )
        self._places = {name: list(heads[name]).index("yes") for name in names}
        said = self.config.get("places")
        centres: dict[str, Any] = said if isinstance(said, dict) else {}
        # Where the middle of each place is across the picture, 0–1, as far as it is told.
        self._centres = {
            f"{place}.present": float(centre)
            for place, centre in centres.items()
            if isinstance(centre, int | float) and 0 <= centre <= 1
        }

    def count(self, picture: Image.Image) -> int:
        """Places where somebody stands, in an RGB picture of `size`."""
        return len(self._present(picture))

    def standing(self, picture: Image.Image) -> list[float]:
        """The middles of the places where somebody stands, 0–1 across an RGB picture of `size`; of those that its
        configuration tells.
        """
        return [self._centres[name] for name in self._present(picture) if name in self._centres]

    def _present(self, picture: Image.Image) -> list[str]:
        found = self.run([picture])
        return [name for name, yes in self._places.items() if int(found[name][0].argmax()) == yes]


class Judges:
    """Loaded judges, the latest few. Any thread may ask; one is loaded at a time."""

    def __init__(self, most: int = 4) -> None:
        self._most = most
        self._loaded: OrderedDict[tuple[str, ModelSpec], Any] = OrderedDict()
        self._lock = threading.Lock()

    def encoder(self, model: ModelSpec) -> Encoder:
        """The encoder of a folder. Raises what `Onnx` raises."""
        found: Encoder = self._get("encoder", OnnxEncoder, model)
        return found

    def tagger(self, model: ModelSpec) -> OnnxTagger:
        """The tagger of a folder. Raises what `Onnx` raises."""
        found: OnnxTagger = self._get("tagger", OnnxTagger, model)
        return found

    def _get(self, kind: str, load: type[Onnx], model: ModelSpec) -> Any:
        key = (kind, model)
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = load(model)
            self._loaded.move_to_end(key)
            while len(self._loaded) > self._most:
                self._loaded.popitem(last=False)
            return self._loaded[key]


def _config(model: ModelSpec) -> dict[str, Any]:
    try:
        config = json.loads(Path(model.path, "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WorkerError("MODEL_CORRUPT", f"config.json of {model.name} cannot be read: {_line(error)}") from error
    if not isinstance(config, dict):
        raise WorkerError("MODEL_CORRUPT", f"config.json of {model.name} is no JSON object.")
    return config


def _file(model: ModelSpec) -> Path:
    files = [file.path for file in model.files if PurePosixPath(file.path).suffix == ".onnx"]
    if len(files) != 1:
        raise WorkerError("MODEL_UNSUPPORTED", f"{model.name} has {len(files)} ONNX files; a judge has one.")
    return Path(model.path, files[0])


def _line(error: Exception) -> str:
    words = str(error).strip().splitlines()
    return words[0][:200] if words else type(error).__name__
