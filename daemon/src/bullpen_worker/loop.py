"""The device loop: takes commands, runs jobs, and keeps going whatever one job does.

Everything that touches the device happens on the thread that calls `run`. What happens between two steps of a
candidate is in `candidate`.
"""

from __future__ import annotations

import time
from functools import partial

from bullpen_api.worker.v1 import link_pb2

from bullpen_worker.answer import AnswerRun
from bullpen_worker.batching import place, seeds, units
from bullpen_worker.candidate import CanceledError, CandidateRun, JobUnderWay
from bullpen_worker.engines.base import BatchedJob, Engine, JobSpec, LoraSpec, ModelSpec
from bullpen_worker.engines.language import LoadCanceledError, Speaker
from bullpen_worker.failures import WorkerError, is_out_of_memory
from bullpen_worker.heartbeat import Progress
from bullpen_worker.inbox import Inbox
from bullpen_worker.method_spec import method_spec
from bullpen_worker.model_spec import model_spec
from bullpen_worker.pacing import PreviewPacer
from bullpen_worker.raw_writer import RawWriter
from bullpen_worker.reports import Reports
from bullpen_worker.residency import Residency, Resident

# Seconds between two words on how far a model is on its way into memory.
_LOADING_SECONDS = 0.1


class DeviceLoop:
    """Runs the commands of an inbox on an engine and answers them."""

    def __init__(
        self,
        engine: Engine,
        residency: Residency,
        inbox: Inbox,
        reports: Reports,
        progress: Progress,
        max_pixels: int,
    ) -> None:
        self._engine = engine
        self._residency = residency
        self._inbox = inbox
        self._reports = reports
        self._progress = progress
        self._max_pixels = max_pixels
        self._pacers: dict[str, PreviewPacer] = {}
        self.writer = RawWriter(reports)
        residency.evicted = self._evicted
        self._job: JobUnderWay | None = None
        self._told_at = 0.0
        if isinstance(engine, Speaker):
            engine.loading = self._loading

    def run(self) -> None:
        """Takes and runs commands for ever. Raises OSError when the daemon no longer reads."""
        while True:
            self.handle(self._inbox.take())

    def handle(self, message: link_pb2.ToWorker) -> None:
        """Runs one command to its end and answers it."""
        match message.WhichOneof("body"):
            case "run_job":
                self._run_job(message.run_job)
            case "load_model":
                self._load(model_spec(message.load_model.model))
            case "unload_model":
                name = message.unload_model.model
                self._residency.unload(name)
                self._evicted(name, "")
            case "remember_footprints":
                for known in message.remember_footprints.known:
                    self._residency.remember(known.digest, known.footprint.pixels, known.footprint.working_bytes)
            case "pin_models":
                self._residency.pinned = frozenset(message.pin_models.models)
            case "cancel_job" | "tune_job":
                pass  # of a job that has ended already
            case other:
                self._reports.log("warning", "command_not_for_device_worker", command=str(other))
        self._progress.advance()

    def _evicted(self, name: str, reason: str) -> None:
        self._pacers.pop(name, None)
        self._reports.send(link_pb2.FromWorker(model_unloaded=link_pb2.ModelUnloaded(model=name, reason=reason)))

    def _load(self, spec: ModelSpec, pixels: int = 0) -> Resident | WorkerError:
        seconds = 0.0
        if (resident := self._residency.find(spec)) is None:
            try:
                resident = self._residency.load(spec, pixels)
            except LoadCanceledError as error:
                raise CanceledError from error
            except Exception as error:  # noqa: BLE001 - a broken model must not end the loop
                failure = self._reports.failure(error, "model_failed", model=spec.name)
                self._engine.recover()
                failed = link_pb2.ModelFailed(model=spec.name, failure=failure.to_link())
                self._reports.send(link_pb2.FromWorker(model_failed=failed))
                return failure
            seconds = resident.seconds
        self._say_loaded(resident, seconds)
        return resident

    def _loading(self, spec: ModelSpec, share: float) -> bool:
        """A model is on its way; whether anybody still wants it."""
        self._progress.advance()
        now = time.monotonic()
        if share >= 1 or now - self._told_at >= _LOADING_SECONDS:
            self._told_at = now
            progress = link_pb2.ModelProgress(model=spec.name, share=share)
            self._reports.offer(link_pb2.FromWorker(model_progress=progress))
        return self._job is None or not self._inbox.canceled(self._job.key)

    def _say_loaded(self, resident: Resident, seconds: float) -> None:
        loaded = link_pb2.ModelLoaded(
            model=resident.spec.name,
            size_bytes=resident.model.size_bytes,
            seconds=seconds,
            placement=resident.placement.value,
            digest=resident.spec.digest,
        )
        self._reports.send(link_pb2.FromWorker(model_loaded=loaded))

    def _run_job(self, job: link_pb2.RunJob) -> None:
        pacer = self._pacers.setdefault(job.model.name, PreviewPacer())
        under_way = JobUnderWay(job, self._inbox, self._reports, self._progress, pacer, self._engine.announces_decoding)
        failure: WorkerError | None
        self._job = under_way
        try:
            failure = self._make_candidates(under_way)
            outcome = link_pb2.JobEnded.OUTCOME_FAILED if failure else link_pb2.JobEnded.OUTCOME_SUCCEEDED
        except CanceledError:
            failure, outcome = None, link_pb2.JobEnded.OUTCOME_CANCELED
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - one job's fault must not end the loop
            failure = self._reports.failure(error, "job_failed", job=job.job, attempt=str(job.attempt))
            outcome = link_pb2.JobEnded.OUTCOME_FAILED
            self._engine.recover()
        ended = link_pb2.JobEnded(
            job=job.job, attempt=job.attempt, outcome=outcome, failure=failure.to_link() if failure else None
        )
        self._job = None
        self._inbox.finish(under_way.key)
        self.writer.end(ended)

    def _make_candidates(self, under_way: JobUnderWay) -> WorkerError | None:
        job = under_way.job
        under_way.check_canceled()
        spec, pixels = model_spec(job.model), job.width * job.height * max(1, job.batch)
        resident = self._residency.find(spec)
        if resident is None:
            loading = link_pb2.StepDone(job=job.job, attempt=job.attempt, steps=job.steps, phase="loading")
            self._reports.send(link_pb2.FromWorker(step_done=loading))
            loaded = self._load(spec, pixels)
            if isinstance(loaded, WorkerError):
                return loaded
            resident = loaded
            under_way.check_canceled()
        else:
            placed = self._residency.make_room_for_work(resident, pixels)
            if placed is not resident:
                self._say_loaded(placed, placed.seconds)
            resident = placed
        self._engine.watch()
        try:
            self._denoise(under_way, resident, pixels)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if job.batch > 1:
                # One after the other they take less: what is made already stays.
                error.__traceback__ = None
                self._engine.recover()
                job.batch = 1
                del job.candidates[: under_way.made]
                return self._make_candidates(under_way)
            # Its frames hold what the job took; without them it can be freed.
            error.__traceback__ = None
            return self._reports.failure(self._residency.out_of_memory(resident, pixels), "job_failed", job=job.job)
        finally:
            self._engine.rest(resident.model)
        return None

    def _denoise(self, under_way: JobUnderWay, resident: Resident, pixels: int) -> None:
        job = under_way.job
        if job.HasField("language"):
            if not isinstance(self._engine, Speaker):
                raise WorkerError("MODEL_UNSUPPORTED", f"{resident.spec.name} has no words; it makes pictures.")
            AnswerRun(under_way, self._engine, resident.model).make()
            return
        # The first candidate bears what is done for all of them.
        began = time.perf_counter()
        words = _words(job, job.candidates[0]) if job.candidates else _words(job)
        prepared = self._engine.prepare(resident.model, _job_spec(job, words, self._max_pixels))
        for tasks, together in units(job, isinstance(prepared, BatchedJob)):
            if _words(job, tasks[0]) != words:
                words = _words(job, tasks[0])
                prepared = self._engine.prepare(resident.model, _job_spec(job, words, self._max_pixels))
            candidate = CandidateRun(
                under_way,
                tasks[0],
                beside=tasks[1:],
                respaces=getattr(prepared, "respaces", False),
                last=under_way.made + len(tasks) == under_way.total,
            )
            if together and isinstance(prepared, BatchedJob):
                made = candidate.make(partial(prepared.denoise_together, seeds(job, tasks)))
                pictures, batch = [made[place(job, task)] for task in tasks], job.batch
            else:
                number = under_way.made + 1
                pictures, batch = [candidate.make(partial(prepared.denoise, number, tasks[0].seed))], 1
            ended = time.perf_counter()
            for task, picture in zip(tasks, pictures, strict=True):
                ready = link_pb2.CandidateReady(
                    job=job.job,
                    attempt=job.attempt,
                    candidate=task.name,
                    width=picture.width,
                    height=picture.height,
                    device_seconds=(ended - began) / len(tasks),
                    changes=candidate.applied,
                    not_finite=picture.not_finite,
                    batch=batch,
                )
                self.writer.put(ready, job.out_folder, picture.rgb)
                self._progress.advance()
                under_way.made += 1
            began = ended
        if job.batch <= 1:
            # What a batch takes says nothing about a larger picture.
            self._measure(resident.spec, pixels)

    def _measure(self, spec: ModelSpec, pixels: int) -> None:
        """Tells the daemon what a job took, where that was not known."""
        taken = self._engine.taken()
        if not self._residency.measured(spec, pixels, taken):
            return
        footprint = link_pb2.Footprint(pixels=pixels, working_bytes=taken)
        measured = link_pb2.FootprintMeasured(model=spec.name, digest=spec.digest, footprint=footprint)
        self._reports.send(link_pb2.FromWorker(footprint_measured=measured))


def _words(job: link_pb2.RunJob, task: link_pb2.CandidateTask | None = None) -> tuple[str, str]:
    """Prompt and negative prompt: a candidate's own, or the job's."""
    whose = task.words if task is not None and task.HasField("words") else job
    return whose.prompt, whose.negative_prompt


def _job_spec(job: link_pb2.RunJob, words: tuple[str, str], max_pixels: int) -> JobSpec:
    return JobSpec(
        source_path=job.source_path,
        prompt=words[0],
        negative_prompt=words[1],
        steps=job.steps,
        width=job.width,
        height=job.height,
        attempt=job.attempt,
        max_pixels=max_pixels,
        loras=tuple(LoraSpec(model_spec(lora.model), lora.weight_file, lora.scale) for lora in job.loras),
        method=method_spec(job.method),
    )
