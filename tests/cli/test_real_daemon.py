"""The command line against a real daemon with the scripted engine."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from bullpen_client import is_serving, read_endpoint
from bullpen_client.home import pid_alive
from PIL import Image

from tests.cli.conftest import PATIENCE, Bullpen, launch
from tests.support.daemon import Daemon
from tests.support.studio import held

pytestmark = pytest.mark.e2e
RUN = ["run", "--project", "noir", "--stage", "style", "--all-scenes", "--model", "scripted", "--yes", "--json"]


@pytest.fixture
def real(home: Path) -> Iterator[Daemon]:
    with Daemon(home) as serving:
        yield serving


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two pictures of different content."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index, name in enumerate(("pier", "market")):
        picture = Image.radial_gradient("L").resize((64, 64)).rotate(40 * index)
        Image.merge("RGB", (picture, picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM), picture)).save(
            folder / f"{name}.png"
        )
    return folder


async def universe(bullpen: Bullpen, pictures: Path) -> None:
    for line in (
        ["projects", "create", "noir", "--title", "Noir"],
        ["styles", "add", "noir", "ink", "--set", "style=ink"],
        ["scenes", "add", "noir", str(pictures), "--upload"],
    ):
        done = await bullpen(*line)
        assert done.status == 0, done.err


async def test_from_nothing_to_an_accepted_picture_and_a_replay(
    real: Daemon, bullpen: Bullpen, pictures: Path, tmp_path: Path
) -> None:
    """Project, scenes, run, override by hand, the picture saved, the run repeated from its log."""
    await universe(bullpen, pictures)
    run = await bullpen(*RUN)
    assert run.status == 0, run.err
    outcome = run.json
    assert [winner["state"] for winner in outcome["winners"]] == ["SUCCEEDED", "SUCCEEDED"]
    assert all(Path(path).is_file() for path in outcome["exports"])
    assert len(outcome["exports"]) == 2
    jobs = (await bullpen("runs", "jobs", "last", "--json")).json["jobs"]
    loser = next(candidate for candidate in jobs[0]["candidates"] if not candidate["accepted"])
    assert (await bullpen("accept", loser["name"], "--reason", "better light")).status == 0
    shown = (await bullpen("runs", "show", "last", "--json")).json
    assert shown["winners"][0]["candidate"] == loser["name"]
    out = tmp_path / "out.png"
    assert (await bullpen("assets", "save", loser["asset"], "--out", str(out))).status == 0
    assert out.read_bytes() == Path(shown["winners"][0]["path"]).read_bytes()
    log = outcome["run"]["logPath"]
    again = await bullpen("run", "--replay", log, "--json")
    assert again.status == 0, again.err
    first, second = json.loads(Path(log).read_text()), json.loads(Path(again.json["run"]["logPath"]).read_text())
    seeds = [[candidate["seed"] for candidate in job["candidates"]] for job in first["jobs"]]
    assert [[candidate["seed"] for candidate in job["candidates"]] for job in second["jobs"]] == seeds


async def test_a_follower_outlives_a_killed_daemon(real: Daemon, bullpen: Bullpen, home: Path, pictures: Path) -> None:
    """The daemon is killed in the middle of a run and started again; the same command sees the run to its end."""
    await universe(bullpen, pictures)
    gate = home.parent / "go"
    follower = await launch(home, *RUN, "--instruction", f"scripted: candidate=2 {held(gate)}")
    assert follower.stderr is not None
    said = b""
    async with asyncio.timeout(PATIENCE):
        while b"done (1/4)" not in said:
            said += await follower.stderr.readline()
        real.kill()
        while b"does not answer" not in said:
            said += await follower.stderr.readline()
        gate.touch()
        real.start()
        out, rest = await follower.communicate()
    assert follower.returncode == 0, (said + rest).decode()
    figures = json.loads(out)["run"]["figures"]
    assert (figures["jobsDone"], figures["candidatesDone"]) == (2, 4)
    told = (said + rest).decode()
    assert "Connected again." in told
    assert [told.count(f"done ({number}/4)") for number in (1, 2, 3, 4)] == [1, 1, 1, 1]


async def test_a_run_is_canceled_from_another_terminal(
    real: Daemon, bullpen: Bullpen, home: Path, pictures: Path
) -> None:
    """The follower ends with status 1 and keeps what was finished; a second cancel changes nothing."""
    await universe(bullpen, pictures)
    follower = await launch(home, *RUN, "--instruction", "scripted: steps=2000 step_ms=20")
    assert follower.stderr is not None
    async with asyncio.timeout(PATIENCE):
        await follower.stderr.readline()
        assert (await bullpen("cancel", "--all")).status == 0
        out, _ = await follower.communicate()
    assert follower.returncode == 1
    assert json.loads(out)["run"]["state"] == "STATE_CANCELED"
    assert (await bullpen("cancel", "last", "--json")).json["canceled"][0]["state"] == "STATE_CANCELED"


async def test_the_daemon_is_started_asked_and_stopped(bullpen: Bullpen, home: Path) -> None:
    """`daemon start` comes back when it serves, a second start finds it, `daemon stop` when it is gone."""
    started = await bullpen("daemon", "start", "--json")
    assert started.status == 0, started.err
    endpoint = read_endpoint(home)
    assert endpoint is not None
    assert await is_serving(endpoint)
    assert (await bullpen("daemon", "start", "--json")).json["pid"] == endpoint.pid
    assert (await bullpen("daemon", "status", "--json")).json["pid"] == str(endpoint.pid)
    assert (await bullpen("doctor", "--json")).json["checks"][-1]["status"] == "ok"
    stopped = await bullpen("daemon", "stop", "--json")
    assert stopped.json == {"stopped": True, "pid": endpoint.pid}
    assert not pid_alive(endpoint.pid)
    assert read_endpoint(home) is None
