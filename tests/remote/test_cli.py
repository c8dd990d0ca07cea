"""`bullpen remote`, and consent on the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bullpen_client import Session

from tests.remote.studio import PaidStudio, make_daemon
from tests.support.daemon import Daemon
from tests.support.pictures import write_picture
from tests.support.providers import Provider, Way

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that may speak to providers on this machine."""
    with make_daemon(tmp_path_factory.mktemp("shell") / "home") as running:
        yield running


def bullpen(daemon: Daemon, *words: str) -> subprocess.CompletedProcess[str]:
    """One command line."""
    command = [sys.executable, "-m", "bullpen_cli", *words, "--home", str(daemon.home)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)


async def test_from_a_lost_answer_to_a_resolved_one(
    session: Session, daemon: Daemon, provider: Provider, tmp_path: Path
) -> None:
    """A cutout without consent is refused with the price; one whose answer is lost is listed, shown and resolved."""
    desk = PaidStudio(session, tmp_path)
    project = (await desk.paid_universe(provider)).removeprefix("projects/")
    picture, out = write_picture(tmp_path / "mara.png", 2), tmp_path / "out.png"
    words = ["cutout", str(picture), "-o", str(out), "--model", f"photoroom:segment@{project}/cutter"]
    refused = bullpen(daemon, *words)
    assert refused.returncode == 1
    assert "0.02 USD" in refused.stderr
    assert "--confirm-spend" in refused.stderr
    assert provider.calls == []
    provider.ways = [Way(fault="drop")]
    lost = bullpen(daemon, *words, "--confirm-spend")
    assert lost.returncode == 1
    assert "bullpen remote resolve" in lost.stderr
    listed = bullpen(daemon, "remote", "list", "--unknown")
    assert "unknown" in listed.stdout
    assert "or nothing" in listed.stdout
    (request,) = json.loads(bullpen(daemon, "remote", "list", "--json").stdout)["paid_requests"]
    slug = request["name"].removeprefix("paidRequests/")
    shown = bullpen(daemon, "remote", "show", slug)
    assert "may have charged it or not" in " ".join(shown.stdout.split())
    assert bullpen(daemon, "remote", "resolve", slug).returncode == 2
    resolved = bullpen(daemon, "remote", "resolve", slug, "--charged", "--cost", "0.03", "--note", "on the bill")
    assert resolved.returncode == 0, resolved.stderr
    assert "0.03 USD" in resolved.stdout
    assert "on the bill" in resolved.stdout
    again = bullpen(daemon, "remote", "resolve", slug, "--not-charged")
    assert again.returncode == 1
    done = bullpen(daemon, *words, "--confirm-spend")
    assert done.returncode == 0, done.stderr
    assert "about 0.02 USD" in done.stdout
    assert out.exists()


async def test_models_list_says_what_a_provider_costs(daemon: Daemon) -> None:
    """The list has engine and price of models at providers."""
    answer = json.loads(bullpen(daemon, "models", "list", "--json").stdout)
    found = {model["name"]: model for model in answer["models"]}
    model = found["models/openai:gpt-image-1"]
    assert model["engine"] == "remote"
    assert "USD" in model["price"]


async def test_a_paid_run_needs_more_than_yes(
    session: Session, daemon: Daemon, provider: Provider, tmp_path: Path
) -> None:
    """`--yes` starts what costs nothing; money is agreed to by `--confirm-spend`."""
    desk = PaidStudio(session, tmp_path)
    project = (await desk.paid_universe(provider)).removeprefix("projects/")
    words = ["run", "--project", project, "--stage", "style", "--all-scenes", "--candidates", "1"]
    words += ["--model", "openai:gpt-image-1", "--json"]
    refused = bullpen(daemon, *words, "--yes")
    assert refused.returncode == 1
    assert "--confirm-spend" in refused.stderr
    assert provider.calls == []
    done = bullpen(daemon, *words, "--confirm-spend")
    assert done.returncode == 0, done.stderr
    assert len(provider.charged) == 1
