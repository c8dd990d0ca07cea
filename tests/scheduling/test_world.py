"""The scheduler against a world where anything happens at any time: workers die, jobs end late, twice or never asked,
people cancel, pause, resume, move and bind whatever they like, and switch devices. The world keeps its own books and
compares.
"""

from __future__ import annotations

from collections.abc import Iterable

from bullpend.scheduling import model as m
from bullpend.scheduling import views
from bullpend.scheduling.invariants import check
from bullpend.scheduling.rules import step
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

POLICY = m.Policy(max_attempts=2, max_leases=6, look_ahead=3, max_overtakes=2, keep_alive_seconds=20)
DEVICES = ("a", "b", "c")
MODELS = ("x", "y", "z")
PROJECTS = ("p", "q")
REASONS = st.sampled_from(["ENGINE_FAILED", "DEVICE_OUT_OF_MEMORY"])
PICK = st.integers(0, 1 << 16)


class World(RuleBasedStateMachine):
    """What really happens, and what the scheduler is told of it."""

    def __init__(self) -> None:
        super().__init__()
        self.state = m.State(policy=POLICY)
        self.now = 0.0
        self.seq = 0
        self.specs: dict[str, m.QueuedJob] = {}
        self.final: dict[str, m.Command] = {}
        self.attempt: dict[str, int] = {}
        # How many of its own priority began since a job waits at the head of its project.
        self.passed: dict[str, int] = {}
        self.place: dict[str, tuple[float, int]] = {}
        self.priority: dict[str, int] = {}
        self.paused = False
        self.paused_runs: set[str] = set()
        self.paused_jobs: set[str] = set()
        self.pausing: set[str] = set()
        self.canceled: set[str] = set()
        self.running: dict[str, m.StartJob] = {}
        self.workers: dict[str, str] = {}
        self.not_before: dict[str, float] = {}
        self.stopped: list[m.StartJob] = []
        self.past: list[m.Fact] = []
        self.pinned: set[str] = set()
        self.use: dict[str, m.Use] = {}
        self.bound: dict[str, str] = {}

    # ---- the dispatcher's part --------------------------------------------------------------------------------------

    def tell(self, fact: m.Fact) -> tuple[m.Command, ...]:
        self.state, commands = step(self.state, fact, self.now)
        for command in commands:
            self.carry_out(command)
        return commands

    def carry_out(self, command: m.Command) -> None:
        match command:
            case m.StartWorker(device):
                assert device not in self.workers, "started twice"
                assert self.now >= self.not_before.get(device, 0.0), "started before its wait was over"
                self.workers[device] = "starting"
            case m.KillWorker(device):
                assert device in self.workers
                self.workers[device] = "dying"
            case m.StartJob(job, attempt, device, model):
                self.start(command, job, attempt, device, model)
            case m.StopJob(job, attempt, device):
                assert self.running[device].job == job
                assert self.running[device].attempt == attempt
                assert self.running[device] not in self.stopped, "asked to stop twice"
                self.stopped.append(self.running[device])
            case m.UnloadModel(device, model):
                assert self.workers[device] == "ready"
                assert model not in self.pinned, "a pinned model was put out"
            case m.LoadModel(device) | m.ReadAhead(device):
                assert self.workers[device] == "ready"
            case m.RequeueJob(job, attempt):
                assert job not in self.final
                assert self.attempt[job] == attempt
                self.free(job)
            case m.SucceedJob(job) | m.FailJob(job) | m.CancelJob(job) | m.HoldJob(job):
                assert job in self.specs
                assert job not in self.final, "ended twice"
                self.final[job] = command
                self.free(job)

    def start(self, command: m.StartJob, job: str, attempt: int, device: str, model: str) -> None:
        spec = self.specs[job]
        assert self.workers[device] == "ready", "started without a worker"
        assert device not in self.running, "two jobs on one device"
        assert job not in [other.job for other in self.running.values()], "one job on two devices"
        assert job not in self.final, "started after its end"
        assert model == spec.model
        assert attempt == self.attempt[job] + 1, "the attempt grows by one"
        self.attempt[job] = attempt
        self.running[device] = command
        assert not self.is_paused(job), "started while it is paused"
        assert not self.paused, "started while the queue is paused"
        assert self.may_run(job, device), "started where it must not run"
        rivals = [other for other in self.waiting() if not self.is_paused(other) and self.may_run(other, device)]
        assert all(self.priority[other] <= self.priority[job] for other in rivals), "a higher priority was passed over"
        heads = {spec.project: None for spec in self.specs.values()} | {
            self.specs[other].project: other
            for other in sorted(rivals, key=self.place.__getitem__, reverse=True)
            if self.priority[other] == self.priority[job]
        }
        at_the_head = set(filter(None, heads.values()))
        for other in [other for other in self.passed if self.priority[other] == self.priority[job]]:
            if other not in at_the_head:
                del self.passed[other]
        for other in at_the_head:
            self.passed[other] = self.passed.get(other, 0) + 1
            # Once for each project before it, and again after each warm one that overtook it.
            bound = len(PROJECTS) * (1 + POLICY.max_overtakes)
            assert self.passed[other] <= bound, "a project waits for ever"

    def is_paused(self, job: str) -> bool:
        return job in self.paused_jobs or self.specs[job].run in self.paused_runs

    def may_run(self, job: str, device: str) -> bool:
        use, bound = self.use.get(device, m.Use.ALL), self.bound.get(job, "")
        return bound == device and use is not m.Use.NONE if bound else use is m.Use.ALL

    def free(self, job: str) -> None:
        for device, command in list(self.running.items()):
            if command.job == job:
                del self.running[device]
        self.pausing.discard(job)

    def waiting(self) -> list[str]:
        on_devices = {command.job for command in self.running.values()}
        return [job for job in self.specs if job not in self.final and job not in on_devices]

    # ---- what happens -----------------------------------------------------------------------------------------------

    @initialize(devices=st.sampled_from([1, 1, 2, 3]))
    def devices_are_found(self, devices: int) -> None:
        for device in DEVICES[:devices]:
            self.tell(m.DeviceAdded(device))

    @rule(
        models=st.lists(st.sampled_from(MODELS), min_size=1, max_size=8),
        project=st.sampled_from(PROJECTS),
        priority=st.sampled_from([0, 0, 0, 1]),
        twice=st.booleans(),
    )
    def jobs_are_submitted(self, models: list[str], project: str, priority: int, twice: bool) -> None:
        for model in models:
            self.seq += 1
            run = f"{project}{self.seq % 2}"
            spec = m.QueuedJob(f"j{self.seq}", run, project, model, priority=priority, seq=self.seq)
            self.specs[spec.job] = spec
            self.attempt[spec.job] = 0
            self.place[spec.job] = (float(self.seq), self.seq)
            self.priority[spec.job] = priority
            self.tell(m.JobSubmitted(spec))
            if twice:
                assert self.tell(m.JobSubmitted(spec)) == ()

    @precondition(lambda self: self.specs)
    @rule(pick=PICK)
    def a_job_is_canceled(self, pick: int) -> None:
        job = list(self.specs)[pick % len(self.specs)]
        was_final = job in self.final
        self.canceled.add(job)
        commands = self.tell(m.JobCanceled(job))
        assert not (was_final and commands)
        assert not any(isinstance(command, m.StopJob) for command in self.tell(m.JobCanceled(job)))

    @rule(paused=st.booleans(), now=st.booleans())
    def the_queue_is_paused_or_resumed(self, paused: bool, now: bool) -> None:
        self.paused = paused
        if paused and now:
            self.pausing |= {command.job for command in self.running.values() if command not in self.stopped}
        self.tell(m.QueuePaused(now) if paused else m.QueueResumed())

    @precondition(lambda self: self.specs)
    @rule(pick=PICK, paused=st.booleans())
    def a_run_is_paused_or_resumed(self, pick: int, paused: bool) -> None:
        run = self.specs[list(self.specs)[pick % len(self.specs)]].run
        (self.paused_runs.add if paused else self.paused_runs.discard)(run)
        if paused:
            self.will_pause(job for job, spec in self.specs.items() if spec.run == run)
        self.tell(m.RunPaused(run) if paused else m.RunResumed(run))

    @precondition(lambda self: self.specs)
    @rule(pick=PICK, paused=st.booleans())
    def a_job_is_paused_or_resumed(self, pick: int, paused: bool) -> None:
        job = list(self.specs)[pick % len(self.specs)]
        if job not in self.final:
            (self.paused_jobs.add if paused else self.paused_jobs.discard)(job)
        if paused:
            self.will_pause([job])
        self.tell(m.JobPaused(job) if paused else m.JobResumed(job))

    def will_pause(self, jobs: Iterable[str]) -> None:
        running = {command.job for command in self.running.values() if command not in self.stopped}
        self.pausing |= running & set(jobs)

    @precondition(lambda self: self.specs)
    @rule(pick=PICK, place=st.integers(-3, 30), priority=st.sampled_from([0, 1]), next_turn=st.booleans())
    def a_job_is_moved(self, pick: int, place: int, priority: int, next_turn: bool) -> None:
        job = list(self.specs)[pick % len(self.specs)]
        if job not in self.final:
            self.place[job], self.priority[job] = (float(place), self.specs[job].seq), priority
        # Whoever moves jobs may well let others wait; what is counted begins anew.
        self.passed.clear()
        assert not [
            c for c in self.tell(m.JobMoved(job, float(place), priority, next_turn)) if isinstance(c, m.StopJob)
        ]

    @precondition(lambda self: self.specs)
    @rule(pick=PICK, which=PICK, free=st.booleans())
    def a_job_is_bound_to_a_device(self, pick: int, which: int, free: bool) -> None:
        job, devices = list(self.specs)[pick % len(self.specs)], list(self.state.devices)
        device = "" if free else devices[which % len(devices)]
        self.passed.clear()
        self.bound[job] = device
        for name, command in self.running.items():
            if command.job == job and not self.may_run(job, name):
                self.will_pause([job])
        self.tell(m.JobBound(job, device))

    @rule(which=PICK, use=st.sampled_from(m.Use), now=st.booleans())
    def a_device_is_switched(self, which: int, use: m.Use, now: bool) -> None:
        devices = list(self.state.devices)
        device = devices[which % len(devices)]
        self.passed.clear()
        self.use[device] = use
        if now and device in self.running and not self.may_run(self.running[device].job, device):
            self.will_pause([self.running[device].job])
        self.tell(m.DeviceSwitched(device, use, now))

    @precondition(lambda self: "starting" in self.workers.values())
    @rule(pick=PICK)
    def a_worker_is_ready(self, pick: int) -> None:
        names = [name for name, phase in self.workers.items() if phase == "starting"]
        name = names[pick % len(names)]
        self.workers[name] = "ready"
        self.tell(m.DeviceReady(name))

    @precondition(lambda self: self.workers)
    @rule(pick=PICK)
    def a_worker_dies(self, pick: int) -> None:
        name = list(self.workers)[pick % len(self.workers)]
        if (command := self.running.get(name)) is not None:
            # What it would have said may still come.
            self.past.append(m.JobEnded(command.job, command.attempt, name, m.Outcome.SUCCEEDED))
        if self.workers.pop(name) != "dying":
            self.not_before[name] = self.now + POLICY.backoff_seconds
        self.tell(m.DeviceLost(name, "died"))
        assert name not in self.running

    @precondition(lambda self: self.running)
    @rule(pick=PICK, outcome=st.sampled_from(m.Outcome), reason=REASONS)
    def a_job_ends(self, pick: int, outcome: m.Outcome, reason: str) -> None:
        command = list(self.running.values())[pick % len(self.running)]
        failure = m.Failure(reason, "words") if outcome is m.Outcome.FAILED else None
        fact = m.JobEnded(command.job, command.attempt, command.device, outcome, failure)
        self.past.append(fact)
        if outcome is m.Outcome.SUCCEEDED:
            self.tell(m.ModelLoaded(command.device, self.specs[command.job].model, 5))
        paused = command.job in self.pausing and command.job not in self.canceled
        deaths = self.state.jobs[command.job].deaths
        self.tell(fact)
        if paused and outcome is m.Outcome.CANCELED:
            assert command.job not in self.final, "a pause ended a job"
            assert self.state.jobs[command.job].deaths == deaths, "a pause was held against a job"

    @precondition(lambda self: self.pausing)
    @rule(pick=PICK)
    def a_worker_lets_go_of_a_paused_job(self, pick: int) -> None:
        jobs = [command.job for command in self.running.values()]
        self.a_job_ends(jobs.index(sorted(self.pausing)[pick % len(self.pausing)]), m.Outcome.CANCELED, "")

    @precondition(lambda self: self.running)
    @rule(jobs=st.integers(2, 12))
    def work_goes_well(self, jobs: int) -> None:
        for _ in range(jobs):
            if self.running:
                self.a_job_ends(0, m.Outcome.SUCCEEDED, "")

    @precondition(lambda self: self.past)
    @rule(pick=PICK)
    def an_old_answer_comes_again(self, pick: int) -> None:
        self.tell(m.Tick())
        before = self.state
        assert self.tell(self.past[pick % len(self.past)]) == ()
        assert self.state is before

    @precondition(lambda self: self.running)
    @rule(pick=PICK)
    def the_store_refuses_a_lease(self, pick: int) -> None:
        command = list(self.running.values())[pick % len(self.running)]
        self.final[command.job] = command
        self.free(command.job)
        self.tell(m.LeaseRefused(command.job, command.attempt))

    @precondition(lambda self: "ready" in self.workers.values())
    @rule(pick=PICK, model=st.sampled_from(MODELS), loaded=st.booleans())
    def a_model_comes_or_goes(self, pick: int, model: str, loaded: bool) -> None:
        names = [name for name, phase in self.workers.items() if phase == "ready"]
        name = names[pick % len(names)]
        self.tell(m.ModelLoaded(name, model, 5) if loaded else m.ModelUnloaded(name, model))

    @rule(model=st.sampled_from(MODELS))
    def somebody_unloads(self, model: str) -> None:
        self.tell(m.UnloadRequested(model))

    @rule(model=st.sampled_from(MODELS), pick=PICK, keep_alive=st.sampled_from([None, 0.0, 5.0]))
    def somebody_asks_for_a_model(self, model: str, pick: int, keep_alive: float | None) -> None:
        names = list(self.state.devices)
        self.tell(m.LoadRequested(model, names[pick % len(names)], keep_alive))

    @rule(model=st.sampled_from(MODELS), pinned=st.booleans())
    def somebody_pins(self, model: str, pinned: bool) -> None:
        self.pinned = self.pinned | {model} if pinned else self.pinned - {model}
        self.tell(m.KeepingChanged(model, m.Keeping(pinned)))

    @precondition(lambda self: "ready" in self.workers.values())
    @rule(pick=PICK, model=st.sampled_from(MODELS))
    def a_model_cannot_be_loaded(self, pick: int, model: str) -> None:
        names = [name for name, phase in self.workers.items() if phase == "ready"]
        self.tell(m.ModelFailed(names[pick % len(names)], model))

    @rule(seconds=st.sampled_from([0.1, 1.0, 11.0, 25.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.tell(m.Tick())
        wake = views.wake_at(self.state)
        assert wake is None or wake > self.now, "the dispatcher would spin"

    # ---- what must hold ---------------------------------------------------------------------------------------------

    @invariant()
    def the_state_is_sound(self) -> None:
        check(self.state)

    @invariant()
    def nothing_is_lost(self) -> None:
        """The scheduler cares for exactly the jobs that are not final, and runs exactly those that run."""
        assert set(self.state.jobs) == set(self.specs) - set(self.final)
        queued = {job for job in self.waiting() if not self.is_paused(job)}
        assert {name for _, name in views.positions(self.state)} == queued
        assert {d.device: d.job for d in self.state.devices.values() if d.job} == {
            device: command.job for device, command in self.running.items()
        }

    def teardown(self) -> None:
        """Given progress, and nothing paused, every accepted job comes to one end."""
        self.paused = False
        self.tell(m.QueueResumed())
        for run in list(self.paused_runs):
            self.paused_runs.discard(run)
            self.tell(m.RunResumed(run))
        for job in list(self.paused_jobs):
            self.paused_jobs.discard(job)
            self.tell(m.JobResumed(job))
        for job in self.bound:
            self.bound[job] = ""
            self.tell(m.JobBound(job, ""))
        for device in self.use:
            self.use[device] = m.Use.ALL
            self.tell(m.DeviceSwitched(device, m.Use.ALL))
        for _ in range(20 + 10 * len(self.specs)):
            if len(self.final) == len(self.specs):
                return
            self.time_passes(120.0)
            for name, phase in list(self.workers.items()):
                if phase == "starting":
                    self.workers[name] = "ready"
                    self.tell(m.DeviceReady(name))
                elif phase == "dying":
                    del self.workers[name]
                    self.tell(m.DeviceLost(name, "killed"))
            for command in list(self.running.values()):
                self.tell(m.JobEnded(command.job, command.attempt, command.device, m.Outcome.SUCCEEDED))
            check(self.state)
        assert len(self.final) == len(self.specs), "a job never ended"


TestWorld = World.TestCase
TestWorld.settings = settings(max_examples=100, stateful_step_count=40)
