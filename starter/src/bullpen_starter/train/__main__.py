"""`python -m bullpen_starter.train STEP`: make the starter again, one step or `all`.

Renders, checkpoints and figures go to a cache folder outside the package; only `universe` and `export` write into it.
"""

import argparse
from pathlib import Path

import platformdirs
import torch

from bullpen_starter import models_root
from bullpen_starter.train import classifier, data, edit, evaluate, export, parallel, text, universe, vae
from bullpen_starter.train.say import say

MINUTES = {"vae": 14.0, "text": 1.5, "edit": 60.0, "classifier": 4.0}
STEPS = ("vae", "text", "classifier", "edit", "universe", "evaluate", "export")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bullpen_starter.train", description=__doc__)
    parser.add_argument("step", choices=(*STEPS, "all"))
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--minutes", type=float, help="how long to train; each step has its own default")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--cache", type=Path, default=Path(platformdirs.user_cache_dir("bullpen-starter")))
    parser.add_argument("--processes", type=int, help="processes of one thread each; two on a CPU, one elsewhere")
    parser.add_argument("--layouts", type=int, default=3000)
    return parser.parse_args()


def main() -> None:
    """Run one step, or all in order."""
    options = _arguments()
    processes = options.processes or (2 if options.device == "cpu" else 1)
    cache: Path = options.cache
    data.prepare(cache, options.layouts)
    for step in STEPS if options.step == "all" else (options.step,):
        minutes = options.minutes or MINUTES.get(step, 0.0)
        if step == "vae":
            vae.encode(cache)
            parallel.launch(processes, vae.train, cache, options.device, minutes, options.resume)
        elif step == "text":
            text.train(cache, minutes)
        elif step == "classifier":
            classifier.train(cache, options.device, minutes)
        elif step == "edit":
            parallel.launch(processes, edit.train, cache, options.device, minutes, options.resume)
        elif step == "universe":
            universe.build(models_root().parent / "universe" / "harbor_lights")
        elif step == "evaluate":
            evaluate.evaluate(cache)
        else:
            say(export.export(cache))


if __name__ == "__main__":
    main()
