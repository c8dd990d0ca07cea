"""The package says where its parts are, without heavy imports."""

import subprocess
import sys

import pytest
from bullpen_starter import models_root, universe_names, universe_root


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


def test_every_universe_can_be_found_by_its_name() -> None:
    """The sample that a new user meets first is among them."""
    assert "harbor_lights" in universe_names()
    for name in universe_names():
        assert (universe_root(name) / "universe.json").is_file()
