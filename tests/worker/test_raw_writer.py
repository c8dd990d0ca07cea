"""Raw pictures are written beside the device, in order, and a disk that fails fails the job that it concerns."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from bullpen_api.worker.v1 import link_pb2
from bullpen_worker.failures import WorkerError
from bullpen_worker.raw_writer import RawWriter
from bullpen_worker.reports import Reports

from tests.worker.test_loop import RecordingWriter

SUCCEEDED, FAILED = link_pb2.JobEnded.OUTCOME_SUCCEEDED, link_pb2.JobEnded.OUTCOME_FAILED


class Scene:
    """A writer, a folder, and what was said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.link = RecordingWriter()
        self.writer = RawWriter(Reports(self.link))

    def put(self, candidate: str, rgb: bytes, job: str = "job") -> None:
        frame = link_pb2.CandidateReady(job=job, attempt=1, candidate=candidate)
        self.writer.put(frame, str(self.folder), rgb)

    def end(self, job: str = "job") -> None:
        self.writer.end(link_pb2.JobEnded(job=job, attempt=1, outcome=SUCCEEDED))

    def said(self) -> list[str]:
        return [str(frame.WhichOneof("body")) for frame in self.link.frames]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_pictures_are_there_when_they_are_said_to_be(scene: Scene) -> None:
    """Whole, each in a file of its own, and the job's end comes after its last one."""
    for number in range(5):
        scene.put(f"job/{number}", bytes([number]) * 100)
    scene.end()
    scene.writer.settle()
    ready = scene.link.all("candidate_ready")
    assert [Path(frame.raw_path).read_bytes() for frame in ready] == [bytes([number]) * 100 for number in range(5)]
    assert len({frame.raw_path for frame in ready}) == 5
    assert scene.said() == ["candidate_ready"] * 5 + ["job_ended"]


def test_the_device_goes_on_while_the_disk_is_slow(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some pictures may wait to be written; only then does the device."""
    go, write = threading.Event(), Path.write_bytes

    def slow(path: Path, data: bytes) -> int:
        assert go.wait(60)
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", slow)
    scene.put("job/0", b"a")
    scene.put("job/1", b"b")
    assert scene.said() == []
    go.set()
    scene.writer.settle()
    assert scene.said() == ["candidate_ready"] * 2


def test_a_picture_that_cannot_be_written_fails_its_job_only(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job learns of it before its next picture, ends as failed, leaves no file; the next job is as good as ever."""
    write = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        write(path, data[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    scene.put("job/0", b"abc")
    scene.writer._waiting.join()
    with pytest.raises(WorkerError) as stopped:
        scene.put("job/1", b"abc")
    assert stopped.value.reason == "DISK_FULL"
    scene.end()
    monkeypatch.setattr(Path, "write_bytes", write)
    scene.put("other/0", b"abc", job="other")
    scene.end("other")
    scene.writer.settle()
    first, second = scene.link.all("job_ended")
    assert (first.outcome, first.failure.reason) == (FAILED, "DISK_FULL")
    assert second.outcome == SUCCEEDED
    assert [path.read_bytes() for path in scene.folder.iterdir()] == [b"abc"]


def test_a_daemon_that_is_gone_is_noticed(scene: Scene) -> None:
    """The device thread hears of it with the next thing that it wants to say."""

    def gone(frame: link_pb2.FromWorker) -> None:
        raise BrokenPipeError

    scene.link.react = gone
    scene.put("job/0", b"a")
    with pytest.raises(BrokenPipeError):
        scene.writer.settle()
    with pytest.raises(BrokenPipeError):
        scene.end()
