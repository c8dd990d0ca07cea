"""The package: paths without heavy imports, and a sample universe that fits the model."""

import json
import subprocess
import sys

import pytest
from bullpen_starter import models_root, universe_root
from bullpen_starter.captions import VALUES
from PIL import Image


def test_paths_cost_no_model_library() -> None:
    """Asking for a path imports neither torch nor Pillow."""
    program = (
        "import sys, bullpen_starter as b; b.universe_root(); sys.exit('torch' in sys.modules or 'PIL' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    assert (models_root() / "starter-edit").is_dir()


@pytest.mark.parametrize("name", ["", ".", "..", "../harbor_lights", "nowhere"])
def test_unknown_universe_is_refused(name: str) -> None:
    """A name is a name, not a path."""
    with pytest.raises(FileNotFoundError):
        universe_root(name)


def test_universe_is_complete() -> None:
    """Six scenes and three characters, each with its picture at the model's size and values that the model knows."""
    root = universe_root()
    universe = json.loads((root / "universe.json").read_text(encoding="utf-8"))
    assert universe["slug"] == "harbor_lights"
    assert universe["style_guide"]["style"] in VALUES["style"]
    assert [scene["slug"] for scene in universe["scenes"]] == [f"scene_0{n}" for n in range(1, 7)]
    cast = {character["slug"]: character for character in universe["characters"]}
    assert len(cast) == 3
    for scene in universe["scenes"]:
        assert scene["time"] in VALUES["time"]
        assert scene["weather"] in VALUES["weather"]
        assert scene["place"] in VALUES["place"]
        assert scene["character"] == cast[scene["character_slug"]]["description"]
    manifest = json.loads((models_root() / "starter-edit" / "bullpen-manifest.json").read_text())
    for entry in [*universe["scenes"], *universe["characters"]]:
        with Image.open(root / entry["file"]) as picture:
            assert picture.size == (manifest["width"], manifest["height"])
            assert "not generated" in picture.info["Source"]
