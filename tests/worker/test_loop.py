"""The device loop with the scripted engine, in this process: what it answers to each command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bullpen_api.worker.v1 import link_pb2
from bullpen_worker.engines.scripted.engine import ScriptedEngine
from bullpen_worker.heartbeat import Progress
from bullpen_worker.inbox import Inbox
from bullpen_worker.link import FrameWriter
from bullpen_worker.loop import DeviceLoop
from bullpen_worker.reports import Reports
from bullpen_worker.residency import Residency

from tests.worker.driver import OUTCOME, job


class RecordingWriter(FrameWriter):
    """Keeps frames, and may act on each one, as a daemon would."""

    def __init__(self) -> None:
        super().__init__(-1)
        self.frames: list[link_pb2.FromWorker] = []
        self.react: Callable[[link_pb2.FromWorker], None] = lambda frame: None

    def send(self, message: link_pb2.FromWorker) -> None:
        self.frames.append(message)
        self.react(message)

    def offer(self, message: link_pb2.FromWorker) -> bool:
        self.send(message)
        return True

    def all(self, body: str) -> list[Any]:
        return [getattr(frame, body) for frame in self.frames if frame.WhichOneof("body") == body]


class Bench:
    """A loop whose inbox and answers are in the test's hands."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.inbox = Inbox()
        self.writer = RecordingWriter()
        self.progress = Progress()
        engine = ScriptedEngine()
        self.residency = Residency(engine)
        self.loop = DeviceLoop(engine, self.residency, self.inbox, Reports(self.writer), self.progress, 10**6)

    def run(self, *messages: link_pb2.ToWorker) -> None:
        for message in messages:
            self.inbox.deliver(message)
        for _ in messages:
            self.loop.handle(self.inbox.take())
        self.loop.writer.settle()

    def run_job(self, prompt: str, **fields: Any) -> link_pb2.JobEnded:
        self.run(link_pb2.ToWorker(run_job=job(self.out, prompt, **fields)))
        ended: link_pb2.JobEnded = self.writer.all("job_ended")[-1]
        return ended

    def pictures(self) -> list[bytes]:
        return [Path(ready.raw_path).read_bytes() for ready in self.writer.all("candidate_ready")]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def _at_step(bench: Bench, step: int, message: link_pb2.ToWorker, candidate: str = "job/0") -> None:
    def react(frame: link_pb2.FromWorker) -> None:
        done = frame.step_done
        if frame.WhichOneof("body") == "step_done" and done.step == step and done.candidate == candidate:
            bench.inbox.deliver(message)

    bench.writer.react = react


CANCEL = link_pb2.ToWorker(cancel_job=link_pb2.CancelJob(job="job", attempt=1))


def test_a_job_tells_each_step_and_each_candidate(bench: Bench) -> None:
    """Step 0 announces a candidate, then come its steps, its picture, and at last the job's end."""
    ended = bench.run_job("scripted: steps=3 size=4x2", seeds=(1, 2))
    assert ended.outcome == OUTCOME.OUTCOME_SUCCEEDED
    steps = [(said.candidate, said.step) for said in bench.writer.all("step_done") if said.phase == "denoising"]
    assert steps == [(f"job/{candidate}", step) for candidate in (0, 1) for step in (0, 1, 2, 3)]
    assert [len(picture) for picture in bench.pictures()] == [24, 24]
    assert bench.pictures()[0] != bench.pictures()[1]
    assert bench.writer.frames[-1].WhichOneof("body") == "job_ended"


def test_the_model_is_loaded_once_and_said_to_be(bench: Bench) -> None:
    """The first job loads its model and announces that; the second finds it resident."""
    bench.run_job("one")
    bench.run_job("two")
    assert len(bench.writer.all("model_loaded")) == 1
    assert [said.phase for said in bench.writer.all("step_done")].count("loading") == 1
    assert bench.residency.total_bytes == 1 << 20


def test_cancel_between_steps_stops_within_one_step(bench: Bench) -> None:
    """After the cancel not one more step is done, and the candidate that was finished before stays."""
    _at_step(bench, 2, CANCEL, candidate="job/1")
    ended = bench.run_job("scripted: steps=5", seeds=(1, 2, 3))
    assert ended.outcome == OUTCOME.OUTCOME_CANCELED
    last = bench.writer.all("step_done")[-1]
    assert (last.candidate, last.step) == ("job/1", 2)
    assert [ready.candidate for ready in bench.writer.all("candidate_ready")] == ["job/0"]


def test_cancel_after_the_last_step_spares_the_decoding(bench: Bench) -> None:
    """A cancel that arrives with the last step gives no picture."""
    _at_step(bench, 4, CANCEL)
    assert bench.run_job("scripted: steps=4").outcome == OUTCOME.OUTCOME_CANCELED
    assert not bench.writer.all("candidate_ready")


def test_a_job_canceled_in_the_line_never_begins(bench: Bench) -> None:
    """It ends canceled at once: no step, no loading of its model."""
    bench.inbox.deliver(link_pb2.ToWorker(run_job=job(bench.out, "scripted: crash_at=1")))
    bench.inbox.deliver(CANCEL)
    bench.loop.handle(bench.inbox.take())
    bench.loop.writer.settle()
    assert [ended.outcome for ended in bench.writer.all("job_ended")] == [OUTCOME.OUTCOME_CANCELED]
    assert not bench.writer.all("step_done")
    assert not bench.writer.all("model_loaded")


def test_a_cancel_for_another_attempt_is_ignored(bench: Bench) -> None:
    """A late cancel of an earlier attempt does not stop the present one."""
    _at_step(bench, 1, CANCEL)
    assert bench.run_job("scripted: steps=3", attempt=2).outcome == OUTCOME.OUTCOME_SUCCEEDED


def test_a_change_acts_from_the_next_step_and_is_booked(bench: Bench) -> None:
    """The picture tells which step the change was applied before."""
    change = link_pb2.TuneJob(job="job", attempt=1, guidance_scale=7.0)
    _at_step(bench, 2, link_pb2.ToWorker(tune_job=change))
    bench.run_job("scripted: steps=5")
    (ready,) = bench.writer.all("candidate_ready")
    assert list(ready.changes) == [link_pb2.AppliedChange(step=3, guidance_scale=7.0)]


def test_a_booked_change_replays_to_the_same_pixels(bench: Bench) -> None:
    """What a person changed while it ran gives the same picture when it is replayed, for each candidate alone."""
    change = link_pb2.TuneJob(job="job", attempt=1, guidance_scale=7.0, image_guidance_scale=1.1)
    _at_step(bench, 2, link_pb2.ToWorker(tune_job=change))
    bench.run_job("scripted: steps=5", seeds=(1, 2))
    bench.writer.react = lambda frame: None
    first, second = bench.writer.all("candidate_ready")
    for ready, seed in ((first, 1), (second, 2)):
        task = link_pb2.CandidateTask(name="again", seed=seed, changes=ready.changes)
        bench.run_job("scripted: steps=5", candidates=[task])
    original, other, replayed, replayed_other = bench.pictures()
    assert (original, other) == (replayed, replayed_other)
    # The second candidate had the changed values from its beginning on.
    assert list(second.changes) == [link_pb2.AppliedChange(step=1, guidance_scale=7.0, image_guidance_scale=1.1)]
    bench.run_job("scripted: steps=5", seeds=(1, 2))
    assert bench.pictures()[-2] != original


def test_a_change_that_is_no_number_is_not_applied(bench: Bench) -> None:
    """Infinity would only give a broken picture."""
    change = link_pb2.TuneJob(job="job", attempt=1, guidance_scale=float("inf"))
    _at_step(bench, 1, link_pb2.ToWorker(tune_job=change))
    bench.run_job("scripted: steps=3")
    assert not bench.writer.all("candidate_ready")[0].changes


@pytest.mark.parametrize(("wanted", "steps"), [(3, 3), (8, 8), (1, 3)], ids=["fewer", "more", "fewer than are done"])
def test_the_number_of_steps_may_change_on_the_way(bench: Bench, wanted: int, steps: int) -> None:
    """What is done stays done; the daemon hears when the change acts; the replay of it gives the same picture."""
    change = link_pb2.TuneJob(job="job", attempt=1, steps=wanted, change_id="7")
    _at_step(bench, 2, link_pb2.ToWorker(tune_job=change))
    bench.run_job("scripted: steps=5")
    bench.writer.react = lambda frame: None
    (ready,) = bench.writer.all("candidate_ready")
    assert list(ready.changes) == [link_pb2.AppliedChange(step=3, steps=steps)]
    assert max(done.step for done in bench.writer.all("step_done")) == steps
    (heard,) = bench.writer.all("change_heard")
    assert (heard.change_id, heard.candidate, heard.step, heard.refused) == ("7", ready.candidate, 3, "")
    bench.run_job("scripted: steps=5", candidates=[link_pb2.CandidateTask(name="again", seed=1, changes=ready.changes)])
    original, replayed = bench.pictures()
    assert original == replayed


def test_what_cannot_act_on_the_way_waits_for_the_next_candidate(bench: Bench) -> None:
    """Strength counts from a picture's first step: the next candidate has it, and the last one refuses it in words."""
    change = link_pb2.TuneJob(job="job", attempt=1, strength=0.5, change_id="1")
    _at_step(bench, 2, link_pb2.ToWorker(tune_job=change))
    bench.run_job("scripted: steps=3", seeds=(1, 2))
    first, second = bench.writer.all("candidate_ready")
    assert not first.changes
    assert list(second.changes) == [link_pb2.AppliedChange(step=1, strength=0.5)]
    _at_step(bench, 2, link_pb2.ToWorker(tune_job=change))
    bench.run_job("scripted: steps=3")
    waits, refused = bench.writer.all("change_heard")
    assert (waits.step, waits.refused) == (0, "")
    assert (refused.step, "strength" in refused.refused) == (0, True)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("fail_at=2", "ENGINE_FAILED"),
        ("oom_at=1", "DEVICE_OUT_OF_MEMORY"),
        ("disk_full", "DISK_FULL"),
        ("unreadable", "PICTURE_UNREADABLE"),
    ],
)
def test_a_failure_has_its_reason_and_the_loop_goes_on(bench: Bench, script: str, reason: str) -> None:
    """One job fails with words and without a traceback; the next one succeeds."""
    failed = bench.run_job(f"scripted: {script}")
    assert (failed.outcome, failed.failure.reason) == (OUTCOME.OUTCOME_FAILED, reason)
    assert failed.failure.message
    assert failed.failure.remedy
    assert "Traceback" not in failed.failure.message
    assert bench.run_job("scripted: steps=1").outcome == OUTCOME.OUTCOME_SUCCEEDED


def test_the_traceback_goes_to_the_log(bench: Bench) -> None:
    """Whoever looks after the daemon finds the place of an unforeseen error."""
    bench.run_job("scripted: fail_at=1")
    (log,) = bench.writer.all("log")
    assert log.event == "job_failed"
    assert "scripted failure at step 1" in log.fields["traceback"]


def test_candidates_before_a_failure_stay(bench: Bench) -> None:
    """What was finished before the fault was sent and is not taken back."""
    failed = bench.run_job("scripted: fail_at=2 candidate=2", seeds=(1, 2))
    assert failed.outcome == OUTCOME.OUTCOME_FAILED
    assert [ready.candidate for ready in bench.writer.all("candidate_ready")] == ["job/0"]


def test_a_full_disk_leaves_no_raw_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A raw picture that could not be written whole is deleted, and the job says that the disk is full."""

    def half(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    failed = bench.run_job("scripted: steps=1 size=64x64")
    assert failed.failure.reason == "DISK_FULL"
    assert list(bench.out.iterdir()) == []


def test_a_model_that_fails_to_load_fails_its_job_only(bench: Bench, tmp_path: Path) -> None:
    """The failure is told for the model and for the job, nothing stays resident, and other models still run."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "scripted.json").write_text(json.dumps({"fail": "MODEL_CORRUPT"}))
    broken = link_pb2.ModelRef(name="models/broken", path=str(folder))
    failed = bench.run_job("any", model=broken)
    assert failed.failure.reason == "MODEL_CORRUPT"
    assert bench.writer.all("model_failed")[0].failure.reason == "MODEL_CORRUPT"
    assert bench.residency.total_bytes == 0
    assert bench.run_job("any").outcome == OUTCOME.OUTCOME_SUCCEEDED


def test_models_come_and_go_by_command(bench: Bench) -> None:
    """LoadModel and UnloadModel are answered also when there is nothing to do."""
    load = link_pb2.ToWorker(load_model=link_pb2.LoadModel(model=link_pb2.ModelRef(name="models/a")))
    unload = link_pb2.ToWorker(unload_model=link_pb2.UnloadModel(model="models/a"))
    bench.run(load, load)
    assert bench.residency.total_bytes == 1 << 20
    bench.run(unload, unload)
    assert bench.residency.total_bytes == 0
    bodies = [frame.WhichOneof("body") for frame in bench.writer.frames]
    assert bodies == ["model_loaded", "model_loaded", "model_unloaded", "model_unloaded"]


def test_a_model_from_elsewhere_replaces_its_namesake(bench: Bench, tmp_path: Path) -> None:
    """One name is never two models."""
    (tmp_path / "scripted.json").write_text(json.dumps({"size_bytes": 5}))
    bench.run_job("any")
    bench.run_job("any", model=link_pb2.ModelRef(name="models/scripted", family="scripted", path=str(tmp_path)))
    assert bench.residency.total_bytes == 5


def test_previews_come_only_when_asked_for(bench: Bench) -> None:
    """0 sends none; otherwise they are small pictures of steps before the last."""
    bench.run_job("scripted: steps=4 step_ms=1")
    assert not bench.writer.all("preview_ready")
    bench.run_job("scripted: steps=4 step_ms=1", preview_every=1)
    previews = bench.writer.all("preview_ready")
    assert previews
    assert all(preview.image.startswith(b"\x89PNG") and preview.step < 4 for preview in previews)


def test_blank_and_broken_pictures_can_be_played(bench: Bench) -> None:
    """Tests of the quality checks need pictures that fail them."""
    bench.run_job("scripted: blank steps=1")
    bench.run_job("scripted: nan steps=1")
    assert set(bench.pictures()[0]) == {128}
    assert bench.writer.all("candidate_ready")[1].not_finite == 1.0


def test_progress_counts_steps(bench: Bench) -> None:
    """A hang shows as a standstill because everything else moves the counter."""
    bench.run_job("scripted: steps=6")
    assert bench.progress.count >= 7


def test_a_task_for_the_other_kind_of_worker_is_logged(bench: Bench) -> None:
    """A misdirected command does not end the loop."""
    bench.run(link_pb2.ToWorker(task=link_pb2.Task(id=1)))
    assert bench.writer.all("log")[0].level == "warning"
