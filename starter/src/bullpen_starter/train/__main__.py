"""`python -m bullpen_starter.train STEP`: make the starter again, one model or `all`.

Renders, checkpoints and figures go to a cache folder outside the package, so that minutes on any machine add up with
`--resume`; only `export` and `universe` write into the package. Each step ends by printing its figures.
"""

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
import torch

from bullpen_starter.train import (
    cutout,
    data,
    edit,
    evaluate,
    export,
    generate,
    identity,
    lora,
    parallel,
    reader,
    style,
    table,
    tagger,
    text,
    universe,
    upscaler,
    vae,
)
from bullpen_starter.train.say import say

Train = Callable[[Path, str, float, bool], None]


@dataclass(frozen=True, slots=True)
class Step:
    """One model: how it is trained, for how many minutes on two CPU cores or a GPU, how it is measured and packed."""

    about: str
    minutes: float
    train: Callable[..., None]
    measure: Callable[[Path], Any] | None = None
    export: Callable[[Path], Path] | None = None
    together: bool = False
    gpu: float | None = None  # minutes there, where they are not the same

    def spend(self, device: str) -> float:
        """Minutes to train for when nobody says how many."""
        return self.minutes if self.gpu is None or device == "cpu" else self.gpu

    def times(self) -> str:
        """The minutes in words."""
        return f"{self.minutes:g} minutes" + (f" ({self.gpu:g} on a GPU)" if self.gpu else "")


# In the order in which they need each other: all networks need the codec and the words, the edit network begins as
# text-to-image and learns from the reader, the LoRA stands on the edit network, and their figures need the tagger.
STEPS: dict[str, Step] = {
    "text": Step("the words: tokenizer and text encoder", 8, text.train),
    "tagger": Step("the tagger, which also judges the edits", 12, tagger.train, tagger.measure, tagger.export),
    "vae": Step("the picture codec", 16, vae.train, together=True),
    "generate": Step(
        "text-to-image; a CPU only makes a beginning", 240, generate.train, generate.measure, generate.export, gpu=14
    ),
    "reader": Step("the reader, which the edit model learns from; not packed", 4, reader.train, reader.measure),
    "edit": Step("the edit model", 50, edit.train, evaluate.measure, export.export, together=True, gpu=14),
    "lora": Step("the LoRA of one character", 6, lora.train, lora.measure, lora.write),
    "cutout": Step("the cutout model", 10, cutout.train, cutout.measure, cutout.export),
    "upscaler": Step("the upscalers", 14, upscaler.train, upscaler.measure, upscaler.export),
    "identity": Step("the identity encoder", 8, identity.train, identity.measure, identity.export),
    "style": Step("the style encoder", 3, style.train, style.measure, style.export),
}


def _arguments() -> argparse.Namespace:
    steps = "\n".join(f"  {name:9} {step.about}, {step.times()}" for name, step in STEPS.items())
    parser = argparse.ArgumentParser(
        prog="python -m bullpen_starter.train",
        description=__doc__,
        epilog=f"models:\n{steps}\n  universe  the sample universes\n  table     the figures of all models\n\n"
        "example:\n  python -m bullpen_starter.train edit --device cuda --minutes 60 --resume",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("step", choices=(*STEPS, "universe", "table", "all"), metavar="STEP")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--minutes", type=float, help="how long to train in all; each model has its own default")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--cache", type=Path, default=Path(platformdirs.user_cache_dir("bullpen-starter")))
    parser.add_argument("--processes", type=int, help="processes of one thread each; two on a CPU, one elsewhere")
    parser.add_argument("--layouts", type=int, default=4000, help="training layouts, twelve panels each")
    parser.add_argument("--no-train", action="store_true", help="measure and pack what has been trained")
    parser.add_argument("--no-export", action="store_true", help="train and measure only")
    return parser.parse_args()


def _make(name: str, options: argparse.Namespace) -> None:
    step, cache = STEPS[name], options.cache
    minutes = step.spend(options.device) if options.minutes is None else options.minutes
    if options.no_train:
        say(f"{name}: as trained")
    elif step.together:
        processes = options.processes or (2 if options.device == "cpu" else 1)
        parallel.launch(processes, step.train, cache, options.device, minutes, options.resume)
    else:
        step.train(cache, options.device, minutes, options.resume)
    if step.measure:
        step.measure(cache)
    if step.export and not options.no_export:
        say(step.export(cache))


def main() -> None:
    """Make one model, or all in order."""
    options = _arguments()
    options.cache.mkdir(parents=True, exist_ok=True)
    if options.step == "universe":
        universe.build_all()
        return
    if options.step == "table":
        say(table.text())
        return
    data.prepare(options.cache, options.layouts, workers=os.cpu_count() or 2)
    vae.encode(options.cache, options.device)
    for name in STEPS if options.step == "all" else (options.step,):
        _make(name, options)
    if options.step == "all":
        universe.build_all()
        say(table.text())


if __name__ == "__main__":
    main()
