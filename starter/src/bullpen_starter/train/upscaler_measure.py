"""How good the upscaler is: held-out panels through the shipped ONNX files, against Pillow's bicubic.

PSNR is taken over RGB after rounding to bytes, as mean over pictures. The gain counts against bicubic enlargement of
the very same small picture.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bullpen_starter.networks.tiles import tiled
from bullpen_starter.render import SKETCH, STYLES, render
from bullpen_starter.train.anypanel import HELD_OUT, any_panel
from bullpen_starter.train.onnxfile import opened, run
from bullpen_starter.train.say import say
from bullpen_starter.train.upscaler_data import reduced, worn

SIZE, PER_STYLE = 512, 8
BICUBIC, AREA = Image.Resampling.BICUBIC, Image.Resampling.BOX


def enlarged(session: Any, picture: Image.Image) -> Image.Image:
    """The picture through an opened network, rounded to bytes."""
    values = np.asarray(picture, dtype=np.float32).transpose(2, 0, 1)[None] / np.float32(255)
    out = run(session, np.ascontiguousarray(values))[0].transpose(1, 2, 0)
    return Image.fromarray(np.clip(out * 255 + 0.5, 0, 255).astype(np.uint8))


def psnr(one: Image.Image, other: Image.Image) -> float:
    """Peak signal to noise in dB of two RGB pictures of one size."""
    error = np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64)
    return float(10 * np.log10(255**2 / max(1e-4, float(np.square(error).mean()))))


def _seam(session: Any, scale: int, picture: Image.Image, overlap: int) -> float:
    """Largest difference between a picture done in tiles and done whole, in 0..1."""
    values: NDArray[np.float32] = np.asarray(picture, dtype=np.float32).transpose(2, 0, 1)[None] / np.float32(255)
    whole = run(session, np.ascontiguousarray(values))
    parts = tiled(lambda part: run(session, part), values, scale, 40, overlap)
    return float(np.abs(whole - parts).max())


def _score(session: Any, scale: int, small: Image.Image, truth: Image.Image) -> tuple[float, float]:
    plain = small.resize(truth.size, BICUBIC)
    return psnr(enlarged(session, small), truth), psnr(plain, truth)


def measure(cache: Path, per_style: int = PER_STYLE, first: int = HELD_OUT) -> dict[str, Any]:
    """Figures on layouts never trained on; printed, and kept in `upscaler-metrics.json`.

    `psnr_gain_4x` and `psnr_gain_2x` are for bicubic reductions of panels of 512 pixels. Beside them: by style,
    for reductions by area, for worn small pictures, and for panels rendered small, which is what a small model draws.
    """
    out: dict[str, Any] = {}
    for scale in (4, 2):
        session = opened(cache / f"upscale-{scale}x.onnx")
        rng = np.random.default_rng(6)
        rows: dict[str, list[tuple[float, float]]] = {name: [] for name in ("bicubic", "area", "worn", "rendered")}
        by_style = {}
        layout, seam = first, 0.0
        for style in (*STYLES, SKETCH):
            for _ in range(per_style):
                spec = any_panel("measure", layout, unseen=True, style=style)
                layout += 1
                truth = render(spec, (SIZE, SIZE)).picture
                small = reduced(truth, scale, BICUBIC)
                rows["bicubic"].append(_score(session, scale, small, truth))
                rows["area"].append(_score(session, scale, reduced(truth, scale, AREA), truth))
                rows["worn"].append(_score(session, scale, worn(small, rng), truth))
                drawn = render(spec, (SIZE // scale, SIZE // scale)).picture
                rows["rendered"].append(_score(session, scale, drawn, truth))
            by_style[style] = round(float(np.mean([a - b for a, b in rows["bicubic"][-per_style:]])), 2)
            seam = max(seam, _seam(session, scale, small.crop((0, 0, 96, 80)), 14))
        for name, pairs in rows.items():
            ours, plain = (round(float(np.mean([pair[k] for pair in pairs])), 2) for k in (0, 1))
            out[f"{scale}x_{name}"] = {"psnr": ours, "bicubic": plain, "gain": round(ours - plain, 2)}
        out[f"psnr_gain_{scale}x"] = out[f"{scale}x_bicubic"]["gain"]
        out[f"psnr_gain_{scale}x_by_style"] = by_style
        out[f"seam_{scale}x"] = round(seam, 7)
        out["panels"] = layout - first
    say("upscaler:", json.dumps(out))
    (cache / "upscaler-metrics.json").write_text(json.dumps(out, indent=2) + "\n")
    return out
