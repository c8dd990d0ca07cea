"""The other commands: bible, assets, models, figures, doctor, daemon, demo."""

import asyncio
import json
import os
import signal
import sys
import types
from collections.abc import Sequence
from pathlib import Path

import pytest
from bullpen_api.v1 import asset_pb2, project_pb2
from bullpen_cli.checks import Finding

from tests.cli.conftest import Bullpen, launch
from tests.support.fake_daemon import FakeDaemon


async def test_projects_are_made_shown_and_listed_over_all_pages(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """The list reads every page; --json and --home may stand before or after the sub-command."""
    for slug in ("ann", "bea", "cid"):
        assert (await bullpen("projects", "create", slug, "--title", slug.title())).status == 0
    done = await bullpen("--json", "projects", "list", "--home", str(daemon.home))
    assert [project["title"] for project in done.json["projects"]] == ["Ann", "Bea", "Cid"]
    assert "Bea" in (await bullpen("projects", "show", "bea")).out
    again = await bullpen("projects", "create", "ann", "--json")
    assert (again.status, again.error["reason"]) == (1, "ALREADY_EXISTS")


async def test_titles_are_never_read_as_markup(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """Square brackets stay what they are."""
    daemon.projects["projects/p"] = project_pb2.Project(name="projects/p", title="[red]Rosa[/nope]")
    assert "[red]Rosa[/nope]" in (await bullpen("projects", "list")).out


async def test_pictures_are_read_by_path_or_sent(daemon: FakeDaemon, bullpen: Bullpen, tmp_path: Path) -> None:
    """Inside the allowed roots by path, outside or with --upload in chunks; a folder stands for its pictures."""
    daemon.projects["projects/p"] = project_pb2.Project(name="projects/p")
    allowed, other = tmp_path / "allowed", tmp_path / "other"
    for folder in (allowed, other):
        folder.mkdir()
    (allowed / "01 Pier.png").write_bytes(b"pier")
    (other / "Night Market.PNG").write_bytes(b"market")
    (other / "notes.txt").write_text("no picture")
    first = await bullpen("scenes", "add", "p", str(allowed), "--set", "time=night", "--character", "rosa")
    assert first.status == 0, first.err
    assert "UploadAsset" not in daemon.calls
    second = await bullpen("scenes", "add", "p", str(other), "--title", "Market", "--json")
    assert second.status == 0, second.err
    assert daemon.calls.count("UploadAsset") == 1
    scenes = daemon.scenes
    assert list(scenes) == ["projects/p/scenes/scene-01-pier", "projects/p/scenes/night-market"]
    pier = scenes["projects/p/scenes/scene-01-pier"]
    assert (pier.variables["time"], list(pier.characters)) == ("night", ["projects/p/characters/rosa"])
    assert scenes["projects/p/scenes/night-market"].title == "Market"
    assert b"market" in daemon.contents.values()


async def test_models_are_listed_by_what_they_can_do(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """The list says what each can do; --capability leaves out the others, and says so where none is left."""
    listed = await bullpen("models", "list")
    assert "instruction_edit" in listed.out
    assert "lora" in listed.out
    only = await bullpen("models", "list", "--capability", "lora", "--json")
    assert [(model["name"], model["baseModel"]) for model in only.json["models"]] == [
        ("models/mara", "models/starter-edit")
    ]
    assert "No installed model can do tag" in (await bullpen("models", "list", "--capability", "tag")).out


async def test_an_asset_is_saved_whole_or_not_at_all(daemon: FakeDaemon, bullpen: Bullpen, tmp_path: Path) -> None:
    """All chunks in one file; a refused one leaves nothing behind."""
    daemon.projects["projects/p"] = project_pb2.Project(name="projects/p")
    source, out = tmp_path / "a.png", tmp_path / "b.png"
    source.write_bytes(b"0123456789")
    await bullpen("characters", "add", "p", "rosa", "--reference", str(source))
    (name,) = daemon.assets
    assert (await bullpen("assets", "save", name, "--out", str(out))).status == 0
    assert out.read_bytes() == b"0123456789"
    missing = await bullpen("assets", "save", "projects/p/assets/no", "--out", str(tmp_path / "c.png"), "--json")
    assert missing.error["reason"] == "RESOURCE_NOT_FOUND"
    assert sorted(path.name for path in tmp_path.glob("*.p*")) == ["a.png", "b.png"]


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("ps", "residents"),
        ("models list", "models"),
        ("models show starter-edit", "family"),
        ("models unload starter-edit", "devices"),
        ("devices", "devices"),
        ("metrics", "queuedJobs"),
        ("settings", "settings"),
        ("stages", "stages"),
        ("daemon status", "instance"),
        ("styles list p", "styleGuides"),
        ("characters list p", "characters"),
        ("scenes list p", "scenes"),
        ("assets list p", "assets"),
        ("runs list", "runs"),
        ("logs --files", "folder"),
    ],
)
async def test_looking_commands_answer_in_both_forms(daemon: FakeDaemon, bullpen: Bullpen, line: str, key: str) -> None:
    """A table for a person, one JSON object for a program."""
    as_json = await bullpen(*line.split(), "--json")
    assert as_json.status == 0, as_json.err
    assert key in as_json.json
    for_people = await bullpen(*line.split())
    assert for_people.status == 0, for_people.err
    assert for_people.out.strip()


async def test_a_daemon_is_not_started_to_look_at_it(bullpen: Bullpen, home: Path) -> None:
    """ps, watch, metrics, cancel and status say that none serves."""
    for line in ("ps", "watch", "metrics", "cancel --all", "daemon status"):
        done = await bullpen(*line.split(), "--json")
        assert (done.status, done.error["reason"]) == (1, "DAEMON_UNAVAILABLE")
    assert (await bullpen("daemon", "stop", "--json")).json == {"stopped": False, "pid": 0}
    assert not home.exists()


async def test_watch_prints_the_journal(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """One line an event; as JSON one object a line."""
    for _ in range(3):
        daemon.publish("project.created", "projects/p", project=project_pb2.Project(title="Pi"))
    done = await bullpen("watch", "--after", "1", "--count", "2", "--json")
    assert [line["event"]["revision"] for line in done.lines] == ["2", "3"]
    text = await bullpen("watch", "--after", "0", "--count", "3")
    assert [line.split()[0] for line in text.out.splitlines()] == ["1", "2", "3"]
    assert "project.created" in text.out


async def test_watch_ends_with_130_on_ctrl_c(daemon: FakeDaemon, home: Path) -> None:
    """Ctrl-C is no error and leaves no traceback."""
    process = await launch(home, "watch")
    async with asyncio.timeout(60):
        await daemon.watched.wait()
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert process.returncode == 130
    assert err.strip() == b""


async def test_a_reader_that_leaves_is_no_fault(daemon: FakeDaemon, home: Path) -> None:
    """`bullpen watch | head -1` ends without words."""
    process = await launch(home, "watch", "--after", "0")
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(60):
        await daemon.watched.wait()
        process.stdout._transport.close()  # type: ignore[attr-defined]
        for _ in range(3):
            daemon.publish("project.changed", "projects/p", project=project_pb2.Project())
        assert await process.stderr.read() == b""
        assert await process.wait() == 1


async def test_the_doctor_works_without_a_daemon(bullpen: Bullpen) -> None:
    """Each finding has a name, a status, words; what is not well has a remedy."""
    done = await bullpen("doctor", "--json")
    checks = {check["name"]: check for check in done.json["checks"]}
    assert {"python", "home", "disk", "socket path", "endpoint", "starter", "torch", "daemon"} <= set(checks)
    assert checks["daemon"]["status"] == "warning"
    assert all(check["remedy"] for check in checks.values() if check["status"] != "ok")


async def test_the_doctor_asks_the_daemon(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """With a daemon its own checks are added."""
    done = await bullpen("doctor", "--deep", "--json")
    assert {"name": "database", "status": "ok", "message": "sound", "remedy": ""} in done.json["checks"]


async def test_what_the_daemon_looked_at_is_told_once(
    daemon: FakeDaemon, bullpen: Bullpen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row for the disk: the daemon's where it has one, else the doctor's own."""
    alone = (await bullpen("doctor", "--json")).json["checks"]
    (own,) = [check for check in alone if check["name"] == "disk"]
    assert "GiB" in own["message"]
    theirs = Finding("disk", "ok", "as the daemon sees it")
    monkeypatch.setattr("bullpen_cli.doctor._ask_daemon", lambda *_: [theirs])
    both = (await bullpen("doctor", "--json")).json["checks"]
    assert [check["message"] for check in both if check["name"] == "disk"] == ["as the daemon sees it"]


async def test_the_doctor_fails_when_something_is_wrong(bullpen: Bullpen, tmp_path: Path) -> None:
    """A home that is a file is an error with a remedy, and status 1."""
    file = tmp_path / "file"
    file.write_text("")
    done = await bullpen("doctor", "--home", str(file))
    assert done.status == 1
    assert "is a file, not a folder" in done.out
    assert "remedy: Name another home" in done.out


async def test_a_readable_token_is_an_error(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """The endpoint file is for its owner alone."""
    (daemon.home / "run" / "endpoint.json").chmod(0o644)
    done = await bullpen("doctor")
    assert done.status == 1
    assert "chmod 600" in done.out


async def test_the_demo_runs_every_stage_and_may_run_again(
    daemon: FakeDaemon, bullpen: Bullpen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One JSON object on stdout with the sums; the second time the universe is reused and new runs are made."""
    starter(tmp_path, monkeypatch)
    first = await bullpen("demo", "--headless", "--json")
    assert first.status == 0, first.err
    assert first.out.count("\n") == 1
    outcome = first.json
    assert outcome["project"] == "tiny"
    assert (outcome["runs"], outcome["jobs"], outcome["candidates"], outcome["accepted"]) == (2, 4, 8, 4)
    assert outcome["qa_pass_rate"] == 1.0
    assert len(outcome["exports"]) == 5
    assert outcome["exports"][-1].endswith(".cbz")
    assert all(Path(path).is_file() for path in outcome["exports"])
    (scene, other) = daemon.scenes.values()
    assert (scene.variables["time"], list(scene.characters)) == ("night", ["projects/tiny/characters/rosa"])
    assert scene.description == "Rain.\n\nIt rains.\nRosa: Again."
    assert (other.title, other.description) == ("Market", "Rain.")
    guide = daemon.styles["projects/tiny/styleGuides/ink"]
    assert guide.variables["style"] == "noir"
    shown = [*guide.anchors, *daemon.characters["projects/tiny/characters/rosa"].references]
    assert [daemon.assets[name].kind for name in shown] == [asset_pb2.Asset.KIND_REFERENCE] * 3
    assert daemon.projects["projects/tiny"].story == "Two pictures.\n\nRosa: Waits."
    uploads = daemon.calls.count("UploadAsset")
    second = await bullpen("demo", "--headless", "--candidates", "1")
    assert second.status == 0, second.err
    assert daemon.calls.count("UploadAsset") == uploads
    assert len(daemon.runs) == 4
    assert "contact sheet" in second.out


def starter(root: Path, monkeypatch: pytest.MonkeyPatch, scenes: Sequence[str] = ("pier", "market")) -> None:
    """Stands for the starter package, with a small universe."""
    for folder in ("scenes", "characters", "styles"):
        (root / folder).mkdir()
    shown = ["characters/rosa.png", "characters/rosa_sheet.png"]
    for name in (*(f"scenes/{slug}.png" for slug in scenes), *shown, "styles/ink.png"):
        (root / name).write_bytes(name.encode())
    guide = {"slug": "ink", "name": "Ink", "description": "black", "variables": {"style": "noir"}}
    rosa = {"slug": "rosa", "name": "Rosa", "description": "red hair", "profile": "Waits.", "references": shown}
    lines = [{"who": None, "text": "It rains."}, {"who": "rosa", "text": "Again."}]
    said = {
        "slug": "tiny",
        "title": "Tiny",
        "story": "Two pictures.",
        "style_guide": guide | {"anchors": ["styles/ink.png"]},
        "characters": [rosa],
        "scenes": [
            {"slug": slug, "title": slug.title(), "description": "Rain.", "file": f"scenes/{slug}.png"}
            | {"variables": {"time": "night", "weather": "rain", "place": "left"}, "characters": ["rosa"]}
            | {"lines": lines if slug == "pier" else []}
            for slug in scenes
        ],
    }
    (root / "universe.json").write_text(json.dumps(said))

    def universe_root(name: str) -> Path:
        if name not in {"harbor_lights", "tiny"}:
            raise FileNotFoundError(name)
        return root

    package = types.ModuleType("bullpen_starter")
    package.universe_root = universe_root  # type: ignore[attr-defined]
    package.universe_names = lambda: ["tiny"]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bullpen_starter", package)


async def test_the_demo_takes_the_first_six_scenes_or_all(
    daemon: FakeDaemon, bullpen: Bullpen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """All scenes are brought in either way."""
    slugs = [f"scene_{number}" for number in range(1, 9)]
    starter(tmp_path, monkeypatch, slugs)
    few = await bullpen("demo", "--headless", "--json")
    assert few.status == 0, few.err
    assert [name.rsplit("/", 1)[-1] for name in daemon.scenes] == slugs
    chosen = [list(run.spec.scenes.scenes) for run in daemon.runs.values()]
    assert chosen == [[f"projects/tiny/scenes/{slug}" for slug in slugs[:6]]] * 2
    every = await bullpen("demo", "--headless", "--json", "--all-scenes")
    assert (few.json["jobs"], every.json["jobs"]) == (12, 16)


async def test_a_sample_is_brought_in_without_a_run(
    daemon: FakeDaemon, bullpen: Bullpen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Again it changes nothing; a name that is not there names those that are."""
    starter(tmp_path, monkeypatch)
    done = await bullpen("projects", "sample", "tiny")
    assert done.status == 0, done.err
    assert "Two pictures." in done.out
    assert (len(daemon.scenes), len(daemon.runs)) == (2, 0)
    again = await bullpen("projects", "sample", "--json")
    assert (again.json["name"], daemon.calls.count("CreateScene")) == ("projects/tiny", 2)
    wrong = await bullpen("projects", "sample", "atlantis", "--json")
    assert (wrong.status, wrong.error["reason"]) == (1, "RESOURCE_NOT_FOUND")
    assert "tiny" in wrong.error["remedy"]


async def test_without_the_starter_the_demo_says_how_to_get_it(
    bullpen: Bullpen, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    """A typed error with a remedy, and no daemon is started."""
    monkeypatch.setitem(sys.modules, "bullpen_starter", None)
    done = await bullpen("demo", "--json")
    assert (done.status, done.error["reason"]) == (1, "RESOURCE_NOT_FOUND")
    assert "bullpen[starter]" in done.error["remedy"]
    assert not home.exists()


async def test_a_daemon_is_started_on_demand_and_its_death_explained(home: Path, tmp_path: Path) -> None:
    """A command that needs one starts it; when it ends at once the person reads its last words."""
    package = tmp_path / "packages" / "bullpend"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("raise SystemExit('the database was written by a newer version')\n")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bullpen_cli",
        "projects",
        "list",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(tmp_path / "packages"), *filter(None, sys.path)]),
            "BULLPEN_HOME": str(home),
        },
    )
    async with asyncio.timeout(60):
        _, err = await process.communicate()
    assert process.returncode == 1
    assert b"written by a newer version" in err
    assert b"Traceback" not in err
