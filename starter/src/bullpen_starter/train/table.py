"""The table of the whole pack: every figure beside its target, from the metrics that the packed models carry."""

import json
from typing import Any

from bullpen_starter import models_root
from bullpen_starter.train import card
from bullpen_starter.train.packing import MANIFEST


def _metrics(model: str) -> dict[str, Any]:
    file = models_root() / model / MANIFEST
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["metrics"] if file.is_file() else {}
    return found


def rows() -> list[card.Row]:
    """One row per target; a model that is not packed or not measured has none."""
    out: list[card.Row] = []
    edit = _metrics("starter-edit")
    if "right" in edit:
        out += card.rows(edit)
    if cutout := _metrics("starter-cutout"):
        iou = cutout["iou"]
        out.append(card.Row("cutout: IoU of the alpha, through rembg", "≥ 0.95", f"{iou:.3f}", iou >= 0.95))
    if upscale := _metrics("starter-upscale"):
        for scale, least in ((4, 2.0), (2, 0.0)):
            gain = upscale[f"psnr_gain_{scale}x"]
            target = f"≥ +{least:g} dB" if least else "–"
            out.append(card.Row(f"upscaler {scale}×: PSNR above bicubic", target, f"+{gain:.1f} dB", gain >= least))
    if identity := _metrics("starter-identity"):
        f1 = identity["table"]["any two characters"]["f1"]
        out.append(card.Row("identity: same or different, F1", "≥ 0.94", f"{f1:.3f}", f1 >= 0.94))
    return out


def text() -> str:
    """Markdown of the whole table."""
    return card.table(rows())
