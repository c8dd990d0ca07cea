"""Which models stay in memory, which are asked for ahead of a job, and which go. Numbers as in docs/scheduler.md.

The half of a step that is about models: `rules` derives its draft from this one. Whether a model *fits* is not decided
here but by the worker, which alone knows the device's memory (`bullpen_worker/memory_rules.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from bullpend.scheduling import model as m
from bullpend.scheduling.ordered import Ordered
from bullpend.scheduling.queue import Queue

T = TypeVar("T")

_NO_KEEPING = m.Keeping()


def keep_alive(state: m.State | ModelDraft, resident: m.Resident) -> float | None:
    """Seconds that a model stays after its last use; None where it is pinned.

    The last request that used it decides, else what was set for the model, else the policy.
    """
    keeping = state.keepings.get(resident.model, _NO_KEEPING)
    if keeping.pinned:
        return None
    for seconds in (resident.keep_alive, keeping.keep_alive):
        if seconds is not None:
            return seconds
    return state.policy.keep_alive_seconds


def expires(state: m.State | ModelDraft, resident: m.Resident) -> float | None:
    """When a model goes if nobody uses it before; None where it is pinned."""
    seconds = keep_alive(state, resident)
    return None if seconds is None else resident.last_used + seconds


class ModelDraft:
    """The part of a state under change that is about models in memory, and the commands so far."""

    __slots__ = ("commands", "devices", "draining", "jobs", "keepings", "now", "policy", "queue")

    policy: m.Policy
    jobs: Ordered[str, m.Entry]
    queue: Queue
    devices: Mapping[str, m.Device]
    keepings: Mapping[str, m.Keeping]
    draining: bool
    now: float
    commands: list[m.Command]

    def put(self, device: m.Device) -> None:
        """Takes a changed device."""
        self.devices = MappingProxyType({**self.devices, device.device: device})

    # ---- what workers say -------------------------------------------------------------------------------------------

    def loaded(self, fact: m.ModelLoaded) -> None:
        """A model is in a device's memory; said again, it is there still."""
        device = self.devices.get(fact.device)
        if device is None or device.phase is not m.DevicePhase.READY:
            return
        asked = device.wanted.get(fact.model)
        known = device.residents.get(fact.model)
        resident = m.Resident(
            fact.model,
            fact.size_bytes,
            since=known.since if known is not None and not known.leaving else self.now,
            last_used=self.now,
            placement=fact.placement,
            keep_alive=asked.keep_alive if asked is not None else known.keep_alive if known is not None else None,
        )
        self._change(device, {**device.residents, fact.model: resident}, _without(device.wanted, fact.model))

    def unloaded(self, fact: m.ModelUnloaded) -> None:
        """A model left a device's memory, asked to or because it had to make room."""
        device = self.devices.get(fact.device)
        if device is not None and fact.model in device.residents:
            self._change(device, _without(device.residents, fact.model), device.wanted)

    def model_failed(self, fact: m.ModelFailed) -> None:
        """A model that was asked for cannot be loaded; nobody waits for it any more."""
        device = self.devices.get(fact.device)
        if device is not None and fact.model in device.wanted:
            self._change(device, device.residents, _without(device.wanted, fact.model))

    # ---- what people ask --------------------------------------------------------------------------------------------

    def load_requested(self, fact: m.LoadRequested) -> None:
        """Somebody wants a model in memory before a job does."""
        # 27. A model may be asked for ahead of its jobs. Where it is in memory, only its keep-alive begins anew.
        device = self.devices.get(fact.device)
        if device is None or device.use is m.Use.NONE:
            return
        known = device.residents.get(fact.model)
        if known is not None and not known.leaving:
            again = replace(known, last_used=self.now, keep_alive=fact.keep_alive)
            self._change(device, {**device.residents, fact.model: again}, device.wanted)
        elif fact.model not in device.wanted:
            wanted = m.Wanted(fact.keep_alive, self.now)
            self._change(device, device.residents, {**device.wanted, fact.model: wanted})

    def keeping_changed(self, fact: m.KeepingChanged) -> None:
        """A model was pinned or let go of, or has another keep-alive."""
        # 28. What is pinned neither expires nor makes room. A pin that is taken back lets the keep-alive begin now.
        before = self.keepings.get(fact.model, _NO_KEEPING)
        if before == fact.keeping:
            return
        self.keepings = MappingProxyType({**self.keepings, fact.model: fact.keeping})
        if not (before.pinned and not fact.keeping.pinned):
            return
        for device in self.devices.values():
            known = device.residents.get(fact.model)
            if known is not None:
                fresh = replace(known, last_used=self.now)
                self._change(device, {**device.residents, fact.model: fresh}, device.wanted)

    def unload_requested(self, fact: m.UnloadRequested) -> None:
        """Somebody wants memory back."""
        # 18. A model that a running job needs, or that is pinned, stays; everywhere else it is unloaded.
        for device in self.devices.values():
            if fact.device in ("", device.device):
                self._unload_idle(device, {fact.model} if fact.model else set(device.residents))

    # ---- in every step ----------------------------------------------------------------------------------------------

    def want_pinned(self, name: str) -> None:
        """The device's worker is ready; the first device has what is pinned."""
        if next((d.device for d in self.devices.values() if d.use is m.Use.ALL), None) != name:
            return
        for model, keeping in self.keepings.items():
            if keeping.pinned:
                self.load_requested(m.LoadRequested(model, name, None))

    def fill_wanted(self) -> None:
        """Has models loaded that were asked for. Comes after the placement of jobs: a job never waits for a wish."""
        if self.draining:
            return
        for device in self.devices.values():
            if not device.wanted or device.use is m.Use.NONE:
                continue
            if device.phase is m.DevicePhase.COLD and device.retry_at <= self.now:
                self.put(replace(device, phase=m.DevicePhase.STARTING))
                self.commands.append(m.StartWorker(device.device))
            elif device.phase is m.DevicePhase.READY:
                unsent = [model for model, wanted in device.wanted.items() if not wanted.sent]
                self.commands += [m.LoadModel(device.device, model) for model in unsent]
                if unsent:
                    sent = {model: replace(wanted, sent=True) for model, wanted in device.wanted.items()}
                    self._change(device, device.residents, sent)

    def read_ahead(self, name: str) -> None:
        """A device got a job; what comes after it is looked at."""
        # 29. While a device works on a job, the next job's model is brought from the disk into the page cache.
        device = self.devices[name]
        running = self.jobs.get(device.job)
        for waiting in self.queue.window(self.policy.look_ahead + 1, lambda job: device.takes(self.jobs[job].spec)):
            model = self.jobs[waiting].spec.model
            if running is not None and model == running.spec.model:
                continue
            if model not in device.residents and model != device.read_ahead:
                self.put(replace(device, read_ahead=model))
                self.commands.append(m.ReadAhead(name, model))
            return

    def unload_expired(self) -> None:
        """Time passed."""
        # 20. A model that nobody used for its keep-alive is unloaded.
        for device in self.devices.values():
            due = set()
            for name, resident in device.residents.items():
                end = expires(self, resident)
                if end is not None and end <= self.now:
                    due.add(name)
            if due:
                self._unload_idle(device, due)

    def unload_others(self, device: m.Device, model: str) -> None:
        """Frees what it can of a device beside one model; pinned ones stay."""
        self._unload_idle(device, device.residents.keys() - {model})

    # ---- inside -----------------------------------------------------------------------------------------------------

    def _unload_idle(self, device: m.Device, models: set[str]) -> None:
        if device.phase is not m.DevicePhase.READY:
            return
        entry = self.jobs.get(device.job) if device.job else None
        residents = dict(device.residents)
        for name, resident in device.residents.items():
            in_use = entry is not None and entry.spec.model == name
            pinned = self.keepings.get(name, _NO_KEEPING).pinned
            if name in models and not resident.leaving and not in_use and not pinned:
                residents[name] = replace(resident, leaving=True)
                self.commands.append(m.UnloadModel(device.device, name))
        self._change(device, residents, device.wanted)

    def _change(self, device: m.Device, residents: Mapping[str, m.Resident], wanted: Mapping[str, m.Wanted]) -> None:
        if residents != device.residents or wanted != device.wanted:
            self.put(
                replace(device, residents=MappingProxyType(dict(residents)), wanted=MappingProxyType(dict(wanted)))
            )


def _without(mapping: Mapping[str, T], name: str) -> dict[str, T]:
    return {key: value for key, value in mapping.items() if key != name}
