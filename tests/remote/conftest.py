"""A desk for tests of paid requests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.remote.desk import Desk, open_desk
from tests.support.providers import Provider


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider on this machine."""
    with Provider() as running:
        yield running


@pytest.fixture
def desk(tmp_path: Path, provider: Provider) -> Iterator[Desk]:
    """A desk that pays this provider."""
    made = open_desk(tmp_path, provider)
    yield made
    made.database.close()
