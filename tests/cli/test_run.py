"""`bullpen run` and its kin: the plan first, live to the end, Ctrl-C leaves the run going."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from bullpen_api.v1 import bible_pb2, project_pb2, run_pb2
from bullpen_cli import output
from bullpen_cli.run import agreed as agreed_to_start
from rich.console import Console

from tests.cli.conftest import Bullpen, launch
from tests.support.fake_daemon import FakeDaemon


@pytest.fixture(autouse=True)
def universe(daemon: FakeDaemon) -> None:
    daemon.projects["projects/p"] = project_pb2.Project(name="projects/p", title="P")
    for slug in ("pier", "market"):
        name = f"projects/p/scenes/{slug}"
        daemon.scenes[name] = bible_pb2.Scene(name=name, title=slug, source_asset="projects/p/assets/s")


async def test_a_run_shows_its_plan_its_progress_and_its_winners(daemon: FakeDaemon, home: Path) -> None:
    """Plan on stdout, progress on stderr, winners with their paths, contact sheet and log at the end."""
    daemon.gate = asyncio.Event()
    process = await launch(home, "run", "--project", "p", "--stage", "style", "--all-scenes", "--yes")
    async with asyncio.timeout(60):
        await daemon.watched.wait()
        daemon.gate.set()
        out, err = (text.decode() for text in await process.communicate())
    assert process.returncode == 0, err
    assert "make it style" in out
    assert "pier candidate 1 done (1/4)" in err
    assert out.count("★") == 2
    assert out.count("/store/") == 2
    assert "contact-sheet.png" in out
    assert "run.json" in out


async def test_a_dry_run_starts_nothing(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """The plan as JSON, and no run."""
    done = await bullpen("run", "--project", "p", "--stage", "style", "--scenes", "pier", "--dry-run", "--json")
    assert done.status == 0
    assert done.json["jobs"][0]["scene"] == "projects/p/scenes/pier"
    assert not daemon.runs


async def test_the_options_reach_the_daemon(daemon: FakeDaemon, bullpen: Bullpen, tmp_path: Path) -> None:
    """Every option lands in its field; a folder is made absolute; a bare model name gets its collection."""
    line = "run --project p --stage time --input . --candidates 3 --model starter-edit --steps 9 --guidance 7.5 "
    line += "--image-guidance 1.5 --seed 41 --accept manual --priority 2 --set time=night --style-guide ink --dry-run"
    line += " --json --lora mara=-0.5 --lora models/rosa"
    done = await bullpen(*line.split())
    spec = done.json["spec"]
    assert spec["loras"] == [{"model": "models/mara", "scale": -0.5}, {"model": "models/rosa"}]
    assert Path(spec["inputFolder"]) == Path.cwd()
    assert (spec["candidates"], spec["model"], spec["seed"], spec["priority"]) == (3, "models/starter-edit", "41", 2)
    assert spec["sampling"] == {"steps": 9, "guidanceScale": 7.5, "imageGuidanceScale": 1.5}
    assert (spec["variables"], spec["acceptance"]) == ({"time": "night"}, "ACCEPTANCE_MANUAL")
    assert spec["styleGuide"] == "projects/p/styleGuides/ink"


async def test_a_scale_that_is_no_number_is_a_wrong_line(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """Said in one line, with what the option takes."""
    done = await bullpen(
        "run", "--project", "p", "--stage", "style", "--all-scenes", "--lora", "mara=much", "--dry-run"
    )
    assert done.status == 2
    assert "NAME=SCALE" in done.err


async def test_the_same_line_twice_gives_new_pictures(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """Without --seed each run gets one of its own, in the plan's range; with it the one that was asked for."""
    line = ("run", "--project", "p", "--stage", "style", "--all-scenes", "--dry-run", "--json")
    seeds = [int((await bullpen(*line)).json["spec"]["seed"]) for _ in range(3)]
    assert len(set(seeds)) > 1
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert (await bullpen(*line, "--seed", "0")).json["spec"]["seed"] == "0"


@pytest.mark.parametrize(("answers", "agreed"), [(["maybe", "Yes"], True), (["n"], False), ([""], True)])
def test_an_answer_that_is_neither_yes_nor_no_is_asked_again(
    answers: list[str], agreed: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a sentence that says what to type; Return means yes."""
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: answers.pop(0))
    asked_again = len(answers) > 1
    assert agreed_to_start() is agreed
    told = capsys.readouterr().err
    assert ("'maybe' is neither yes nor no. Type y to start the run, n to leave it." in told) is asked_again
    assert "Error" not in told


def test_money_is_not_agreed_to_by_return(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a run costs money the question says so, and Return alone leaves it."""
    asked: list[str] = []

    def prompt(words: str) -> str:
        asked.append(words)
        return ""

    monkeypatch.setattr("click.termui.visible_prompt_func", prompt)
    assert not agreed_to_start("about 0.27 USD")
    assert agreed_to_start()
    assert "about 0.27 USD" in "".join(asked) + capsys.readouterr().err


async def test_neither_scenes_nor_folder_is_the_daemons_refusal(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """A wrong request is a typed error that names field and remedy, on a terminal in words."""
    done = await bullpen("run", "--project", "p", "--stage", "style", "--yes")
    assert done.status == 1
    assert "Give scenes or a folder." in done.err
    assert "spec.scenes" in done.err
    assert "Name one of them." in done.err
    as_json = await bullpen("run", "--project", "p", "--stage", "style", "--all-scenes", "--input", "/", "--json")
    assert as_json.error["reason"] == "EXACTLY_ONE_OF"


async def test_ctrl_c_leaves_the_run_going(daemon: FakeDaemon, home: Path) -> None:
    """Status 130, how to come back and how to stop it; the run is not canceled and can be followed to its end."""
    daemon.gate = asyncio.Event()
    process = await launch(home, "run", "--project", "p", "--stage", "style", "--all-scenes", "--yes")
    assert process.stderr is not None
    async with asyncio.timeout(60):
        await process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert process.returncode == 130
    assert "bullpen runs follow projects/p/runs/r1" in err.decode()
    assert "bullpen cancel projects/p/runs/r1" in err.decode()
    assert "CancelRun" not in daemon.calls
    follower = await launch(home, "runs", "follow", "last", "--json")
    assert follower.stderr is not None
    async with asyncio.timeout(60):
        await follower.stderr.readline()
        daemon.gate.set()
        out, _ = await follower.communicate()
    assert follower.returncode == 0
    assert b"STATE_SUCCEEDED" in out


async def test_a_run_is_followed_over_a_restart(daemon: FakeDaemon, home: Path) -> None:
    """The stream breaks in the middle; the follower goes on and misses nothing."""
    daemon.gate = asyncio.Event()
    process = await launch(home, "run", "--project", "p", "--stage", "style", "--all-scenes", "--yes")
    assert process.stderr is not None
    async with asyncio.timeout(60):
        await daemon.watched.wait()
        daemon.drop_watchers()
        while b"Connected again" not in await process.stderr.readline():
            pass
        daemon.gate.set()
        _, err = await process.communicate()
    assert process.returncode == 0
    assert "(4/4)" in err.decode()


async def test_a_canceled_run_ends_with_status_1(daemon: FakeDaemon, home: Path, bullpen: Bullpen) -> None:
    """`bullpen cancel --all` ends it; who followed it is told."""
    daemon.gate = asyncio.Event()
    process = await launch(home, "run", "--project", "p", "--stage", "style", "--all-scenes", "--yes")
    assert process.stderr is not None
    async with asyncio.timeout(60):
        await process.stderr.readline()
        canceled = await bullpen("cancel", "--all")
        out, _ = await process.communicate()
    assert "canceled" in canceled.out
    assert process.returncode == 1
    assert b"canceled" in out


async def test_detached_it_comes_back_at_once(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """The run's name is the answer."""
    done = await bullpen("run", "--project", "p", "--stage", "style", "--all-scenes", "--yes", "--detach", "--json")
    assert done.status == 0
    assert done.json["name"] == "projects/p/runs/r1"


async def test_a_log_is_replayed(daemon: FakeDaemon, bullpen: Bullpen, tmp_path: Path) -> None:
    """The log's text is sent; another file is refused."""
    good, bad = tmp_path / "run.json", tmp_path / "notes.txt"
    good.write_text("{}")
    bad.write_text("hello")
    done = await bullpen("run", "--replay", str(good), "--yes", "--json")
    assert done.status == 0, done.err
    refused = await bullpen("run", "--replay", str(bad), "--yes", "--json")
    assert (refused.status, refused.error["reason"]) == (1, "RUN_LOG_INVALID")


@pytest.mark.parametrize("name", ["p/r1/1/2", "last/1/2", "projects/p/runs/r1/jobs/1/candidates/2"])
async def test_a_candidate_is_accepted_by_hand(daemon: FakeDaemon, bullpen: Bullpen, name: str) -> None:
    """Short names are taken, and `last` for the run; the reason is kept."""
    await bullpen("run", "--project", "p", "--stage", "style", "--scenes", "pier", "--yes")
    done = await bullpen("accept", name, "--reason", "better light", "--json")
    assert done.json["name"] == "projects/p/runs/r1/jobs/1/candidates/2"
    assert daemon.jobs["projects/p/runs/r1/jobs/1"].candidates[1].accept_reason == "better light"
    jobs = await bullpen("runs", "jobs", "last")
    assert "projects/p/runs/r1/jobs/1/candidates/2" in jobs.out


async def test_runs_are_found_by_what_a_person_types(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """Full name, PROJECT/ID, id and `last`; an unknown one is a typed error."""
    await bullpen("run", "--project", "p", "--stage", "style", "--scenes", "pier", "--yes")
    for text in ("projects/p/runs/r1", "p/r1", "r1", "last"):
        done = await bullpen("runs", "show", text, "--json")
        assert done.json["run"]["name"] == "projects/p/runs/r1"
    missing = await bullpen("runs", "show", "r9", "--json")
    assert missing.error["reason"] == "RESOURCE_NOT_FOUND"
    assert daemon.runs["projects/p/runs/r1"].state == run_pb2.Run.STATE_SUCCEEDED


async def test_what_has_ended_cannot_be_stopped(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """`cancel` of an ended run or job says how it ended, and that there is nothing to stop."""
    await bullpen("run", "--project", "p", "--stage", "style", "--scenes", "pier", "--yes")
    for target in ("last", "projects/p/runs/r1"):
        done = await bullpen("cancel", target)
        assert done.out.strip() == "projects/p/runs/r1  had already ended (succeeded); nothing to stop"
    daemon.jobs["projects/p/runs/r1/jobs/1"].state = run_pb2.Job.STATE_CANCELED
    job = await bullpen("cancel", "p/r1/1")
    assert "jobs/1  had already ended (canceled); nothing to stop" in job.out


async def test_a_canceled_job_has_no_winner(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """What it made is the best so far, not something that was not accepted."""
    await bullpen("run", "--project", "p", "--stage", "style", "--scenes", "pier", "--yes")
    job = daemon.jobs["projects/p/runs/r1/jobs/1"]
    job.state = run_pb2.Job.STATE_CANCELED
    job.candidates[0].accepted = False
    done = await bullpen("runs", "show", "last")
    assert "1 (best so far)" in done.out
    assert "not accepted" not in done.out
    for candidate in job.candidates:
        candidate.asset = ""
    assert "0 hard" not in (await bullpen("runs", "jobs", "last")).out


async def test_a_replay_says_what_it_repeats(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """And why nothing was accepted; a retry, which has a plan, names the run that it retries."""
    await bullpen("run", "--project", "p", "--stage", "style", "--scenes", "pier", "--yes")
    run = daemon.runs["projects/p/runs/r1"]
    run.parent_run, run.figures.accepted = "projects/p/runs/r0", 0
    shown = (await bullpen("runs", "show", "last")).out
    assert "replay of     projects/p/runs/r0" in shown
    assert "a replay accepts nothing for scenes" in shown
    run.plan_digest = "d" * 64
    shown = (await bullpen("runs", "show", "last")).out
    assert "replay of" not in shown
    assert "retry of      projects/p/runs/r0" in shown
    assert "the picture that was accepted stays" not in shown
    for candidate in daemon.jobs["projects/p/runs/r1/jobs/1"].candidates:
        candidate.accepted = False
    shown = (await bullpen("runs", "show", "last")).out
    assert "the picture that was accepted stays" in shown
    run.spec.acceptance = run_pb2.RunSpec.ACCEPTANCE_MANUAL
    assert "the picture that was accepted stays" not in (await bullpen("runs", "show", "last")).out


async def test_the_list_of_jobs_can_be_cut_in_a_pipe(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """Each line begins with the full name that `accept` takes; the reason does not repeat the QA figures."""
    await bullpen("run", "--project", "p", "--stage", "style", "--scenes", "pier", "--yes")
    first = daemon.jobs["projects/p/runs/r1/jobs/1"].candidates[0]
    first.rank_reason = "Place 1 of 2 by fewer soft warnings than the next: no hard failures, structure 0.9."
    done = await bullpen("runs", "jobs", "last")
    named = [line.split()[0] for line in done.out.splitlines() if line.strip().startswith("projects/")]
    job = "projects/p/runs/r1/jobs/1"
    assert named == [job, f"{job}/candidates/1", f"{job}/candidates/2"]
    assert "by fewer soft warnings than the next" in done.out
    assert "structure 0.9" not in done.out


async def test_accepting_what_is_not_there_says_where_the_names_are(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """The remedy names the command that lists the run's candidates."""
    await bullpen("run", "--project", "p", "--stage", "style", "--scenes", "pier", "--yes")
    done = await bullpen("accept", "p/r1/9/1", "--json")
    assert done.error["kind"] == "NOT_FOUND"
    assert "bullpen runs jobs projects/p/runs/r1" in done.error["remedy"]
    done = await bullpen("accept", "r-0009-style/j-001/c-2", "--json")
    assert (done.status, done.error["reason"]) == (1, "RESOURCE_NOT_FOUND")
    assert "r-0009-style" in done.error["message"]


async def test_a_device_that_does_not_exist_is_refused_before_the_plan(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """Also where nothing is to be started: a plan that shows another device would say that it were taken."""
    line = ("run", "--project", "p", "--stage", "style", "--scenes", "pier", "--dry-run")
    done = await bullpen(*line, "--device", "cuda:7", "--json")
    assert (done.status, done.error["reason"], done.error["field"]) == (1, "DEVICE_UNAVAILABLE", "device")
    assert done.out == ""
    for known in ("cpu", "devices/cpu"):
        assert (await bullpen(*line, "--device", known)).status == 0


def terminal(*, stderr: bool = False) -> Console:
    """A terminal of 100 columns."""
    out = sys.stderr if stderr else sys.stdout
    return Console(file=out, width=100, force_terminal=True, no_color=True, markup=False, highlight=False)


async def test_in_a_terminal_candidates_have_the_names_that_commands_take(
    daemon: FakeDaemon, bullpen: Bullpen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run whole, once; below it short names, and how the two make one that can be typed."""
    await bullpen("run", "--project", "p", "--stage", "style", "--scenes", "pier", "--yes")
    monkeypatch.setattr(output, "console", terminal)
    done = await bullpen("runs", "jobs", "r1")
    assert done.out.count("projects/p/runs/r1") == 1
    assert "1/2" in done.out
    assert "r1/1/2" in done.err
