"""Pictures, and the tiny pipeline, that the worker's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.tiny_pipeline import SIZE, build_tiny_pipeline


def drawing(width: int, height: int) -> Image.Image:
    """A picture with gradients, edges and strong colours; the same each time."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack(
        [x * 255 // max(1, width - 1), y * 255 // max(1, height - 1), (x // 8 + y // 8) % 2 * 200], axis=-1
    )
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    drawing(SIZE, SIZE).save(path)
    return path


@pytest.fixture(scope="session")
def tiny_model(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_pipeline(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def noisy_model(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its scheduler draws noise in every step."""
    return build_tiny_pipeline(tmp_path_factory.mktemp("models") / "noisy", scheduler="ddpm")


@pytest.fixture(scope="session")
def stateful_model(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its scheduler remembers earlier steps."""
    return build_tiny_pipeline(tmp_path_factory.mktemp("models") / "stateful", scheduler="pndm")


@pytest.fixture(scope="session")
def one_thread() -> Iterator[None]:
    """Torch uses one thread: the machine is shared, and equal bits need equal threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
