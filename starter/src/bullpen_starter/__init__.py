"""The embedded starter: a small trained edit model, the renderer that made its data, and a sample universe.

This module only says where things are. It imports neither torch nor Pillow, so that a control plane may ask
for paths without paying for a model library.
"""

from pathlib import Path

__version__ = "0.1.0"

_ROOT = Path(__file__).resolve().parent


def models_root() -> Path:
    """Folder of the embedded models; each is a folder in diffusers layout with a `bullpen-manifest.json`."""
    return _ROOT / "models"


def universe_root(name: str = "harbor_lights") -> Path:
    """Folder of one sample universe (`universe.json` inside).

    Raises `FileNotFoundError` when the package carries no universe of that name.
    """
    if name not in universe_names():
        raise FileNotFoundError(f"no sample universe named {name!r}")
    return _ROOT / "universe" / name


def universe_names() -> list[str]:
    """Names of the sample universes, sorted."""
    return sorted(file.parent.name for file in _ROOT.glob("universe/*/universe.json"))


__all__ = ["__version__", "models_root", "universe_names", "universe_root"]
