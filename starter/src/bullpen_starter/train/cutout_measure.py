"""How good the cutouts are: held-out panels through rembg itself, against the renderer's masks.

The measure is the intersection over union of alpha, `sum(min) / sum(max)`: stricter than the same of marked pixels,
because every soft edge counts.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bullpen_starter.render import SKETCH, STYLES, render
from bullpen_starter.train import roughen
from bullpen_starter.train.anypanel import HELD_OUT, any_panel
from bullpen_starter.train.say import say

PER_STYLE, EMPTY = 24, 48
SIZE, SMALL = 256, 128


class Cutter:
    """rembg with a custom network. rembg takes models below U2NET_HOME only, so that is set while it opens the file."""

    def __init__(self, path: Path) -> None:
        os.environ.setdefault("NUMBA_DISABLE_JIT", "1")  # rembg compiles a minute of code that is not needed here
        import rembg

        before = os.environ.get("U2NET_HOME")
        os.environ["U2NET_HOME"] = str(path.resolve().parent)
        try:
            self._session = rembg.new_session("u2net_custom", model_path=str(path.resolve()))
        finally:
            if before is None:
                del os.environ["U2NET_HOME"]
            else:
                os.environ["U2NET_HOME"] = before
        self._remove = rembg.remove

    def alpha(self, picture: Image.Image) -> NDArray[np.float32]:
        """Alpha (height, width) in 0..1, exactly as rembg gives it."""
        mask = self._remove(picture, session=self._session, only_mask=True)
        return np.asarray(mask, dtype=np.float32) / np.float32(255)


def iou(found: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    """Intersection over union of two alphas; 1 when both are empty."""
    union = float(np.maximum(found, truth).sum())
    return 1.0 if union == 0 else float(np.minimum(found, truth).sum()) / union


def _mask(mask: Image.Image) -> NDArray[np.float32]:
    return np.asarray(mask, dtype=np.float32) / np.float32(255)


def _mean(values: list[float]) -> float:
    return round(float(np.mean(values)), 4)


def measure(cache: Path, per_style: int = PER_STYLE, empty: int = EMPTY, first: int = HELD_OUT) -> dict[str, Any]:
    """Figures on panels, layouts and characters never trained on; printed, and kept in `cutout-metrics.json`.

    `first` is the first layout; `per_style` panels of each style with one to three characters, `empty` without.
    """
    cutter = Cutter(cache / "cutout.onnx")
    rng = np.random.default_rng(5)
    by_style: dict[str, float] = {}
    whole: list[float] = []
    marked: list[float] = []
    small: list[float] = []
    soft: list[float] = []
    layout = first
    for style in (*STYLES, SKETCH):
        scores = []
        for number in range(per_style):
            spec = any_panel("measure", layout, unseen=True, style=style, crowd=1 + number % 3)
            layout += 1
            panel = render(spec, (SIZE, SIZE))
            truth, found = _mask(panel.mask), cutter.alpha(panel.picture)
            scores.append(iou(found, truth))
            marked.append(iou((found > 0.5).astype(np.float32), (truth > 0.5).astype(np.float32)))
            soft.append(iou(cutter.alpha(roughen.coarse(panel.picture, rng)), truth))
            tiny = render(spec, (SMALL, SMALL))
            small.append(iou(cutter.alpha(tiny.picture), _mask(tiny.mask)))
        by_style[style] = _mean(scores)
        whole += scores
    false = []
    for layout_empty in range(layout, layout + empty):
        panel = render(any_panel("measure", layout_empty, crowd=0), (SIZE, SIZE))
        false.append(float(cutter.alpha(panel.picture).mean()))
    out: dict[str, Any] = {
        "iou": _mean(whole),
        "iou_worst_tenth": _mean(sorted(whole)[: max(1, len(whole) // 10)]),
        "iou_by_style": by_style,
        "iou_of_marked_pixels": _mean(marked),
        f"iou_at_{SMALL}": _mean(small),
        "iou_coarse_look": _mean(soft),
        "panels": len(whole),
        "empty_panels": len(false),
        "empty_panels_clean": round(float(np.mean([share < 0.002 for share in false])), 3),
        "empty_panels_mean_alpha": round(float(np.mean(false)), 5),
    }
    say("cutout, through rembg:", json.dumps(out))
    (cache / "cutout-metrics.json").write_text(json.dumps(out, indent=2) + "\n")
    return out
