"""The models that are in this worker's memory, and how they fit there.

The daemon decides which models are wanted, how long they stay and which are pinned. Whether one fits is decided here,
where the memory is: `memory_rules` plans, this carries out. One model is built at a time; a model that makes room is
gone, and its memory is back, before the next one is built.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from bullpen_worker import memory_rules as rules
from bullpen_worker.engines.base import Engine, ModelSpec
from bullpen_worker.failures import WorkerError, is_out_of_memory
from bullpen_worker.memory_rules import Placement
from bullpen_worker.memory_words import too_little, work_too_large

# How long memory that was given up may take to be free again.
BACK_SECONDS = 5.0
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Resident:
    """A model in memory, with how it is placed, the seconds that its loading took, and when it was used last."""

    spec: ModelSpec
    model: Any
    seconds: float
    placement: Placement = Placement.WHOLE
    last_used: float = 0.0


class Residency:
    """Loaded models by resource name. Used by the device thread; `total_bytes` may be read from any."""

    def __init__(
        self,
        engine: Engine,
        limit: int = 0,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`limit` is the most that models and their work may take, 0 for all that the device has."""
        self._engine = engine
        self._limit = limit
        # Told the name of each model that had to make room, and why.
        self.evicted: Callable[[str, str], None] = lambda name, reason: None
        self._clock = clock
        self._pause = pause
        self._residents: dict[str, Resident] = {}
        # Work that was measured, as (pixels, bytes), by the digest or name of the model; and work that ran out of
        # memory at that, which is expected to take more but not certain to.
        self._measured: dict[str, tuple[tuple[int, int], ...]] = {}
        self._starved: dict[str, tuple[tuple[int, int], ...]] = {}
        self.pinned: Collection[str] = frozenset()
        self.total_bytes = 0

    # ---- what is there ----------------------------------------------------------------------------------------------

    def find(self, spec: ModelSpec) -> Resident | None:
        """The model if it is resident and still means the same files; it counts as used now."""
        resident = self._residents.get(spec.name)
        if resident is None or resident.spec != spec:
            return None
        resident = replace(resident, last_used=self._clock())
        self._residents[spec.name] = resident
        return resident

    def free(self) -> int:
        """Bytes that can still be taken, within the limit."""
        free = self._engine.free_memory()
        return min(free, max(0, self._limit - self.total_bytes)) if self._limit else free

    # ---- coming and going -------------------------------------------------------------------------------------------

    def load(self, spec: ModelSpec, pixels: int = 0) -> Resident:
        """Makes the model resident, with room for work on a picture of `pixels`; returns at once where it is.

        A model of that name from elsewhere is replaced. Raises what `Engine.load` raises, and WorkerError
        DEVICE_OUT_OF_MEMORY where it fits in no way; then nothing of the model stays.
        """
        if (resident := self.find(spec)) is not None:
            return resident
        self.unload(spec.name)
        began = self._clock()
        planned = self._plan(spec, pixels)
        self._make_room(planned.evict, spec.name)
        try:
            placement, model = self._build(spec, planned.placement)
        finally:
            if planned.evict:
                # What was left warm for this model and not used by it.
                self._engine.recover()
        resident = Resident(spec, model, self._clock() - began, placement, self._clock())
        self._residents[spec.name] = resident
        self._count()
        return resident

    def unload(self, name: str) -> bool:
        """Gives a model's memory back. False where it was not resident."""
        gone = self._empty(name)
        if gone:
            self._engine.recover()
        return gone

    # ---- work -------------------------------------------------------------------------------------------------------

    def make_room_for_work(self, resident: Resident, pixels: int) -> Resident:
        """Before a job, models that nobody uses leave where its work would not fit beside them. A model whose work
        would not fit even so, by what happened before, is placed anew, in parts or pieces.
        """
        name, known = resident.spec.name, self._expected(resident.spec)
        work = round(rules.work(known, pixels) * (1 + rules.MARGIN))
        room = rules.room(work, self._tenants(but=name), self.free())
        if room is None:
            if rules.certain(known, pixels) > self._most_free(name) and self._can_shrink(resident):
                self._empty(name)
                try:
                    return self.load(resident.spec, pixels)
                except Exception:
                    self.evicted(name, "could not be placed for this size")
                    raise
            room = tuple(tenant.name for tenant in self._tenants(but=name) if not tenant.pinned)
        if room:
            self._make_room(room, name)
            self._engine.recover()
        return resident

    def measured(self, spec: ModelSpec, pixels: int, size: int) -> bool:
        """Takes what a job of this size took beside the weights. True where that was not known."""
        return self.remember(_key(spec), pixels, size)

    def remember(self, digest: str, pixels: int, size: int) -> bool:
        """Takes what was measured of the model of this digest, now or by an earlier worker."""
        known = rules.grown(self._measured.get(digest, ()), pixels, size) if size > 0 and pixels > 0 else None
        if known is None:
            return False
        self._measured[digest] = known
        return True

    def out_of_memory(self, resident: Resident, pixels: int) -> WorkerError:
        """After a job that ran out of memory: what it took is known from now on; others make room for another try."""
        name = resident.spec.name
        took = self._engine.taken()
        self._engine.recover()
        key = _key(resident.spec)
        starved = rules.grown(self._starved.get(key, ()), max(1, pixels), max(took, self.free()) + 1)
        self._starved[key] = starved or self._starved[key]
        room = tuple(tenant.name for tenant in self._tenants(but=name) if not tenant.pinned)
        pinned = [tenant.name for tenant in self._tenants(but=name) if tenant.pinned]
        self._make_room(room, name)
        self._engine.recover()
        points = [point for point in self._known(resident.spec) if point[0] < pixels]
        return work_too_large(resident.spec.name, pixels, took, self.free(), points, pinned)

    # ---- inside -----------------------------------------------------------------------------------------------------

    def _plan(self, spec: ModelSpec, pixels: int) -> rules.Plan:
        weights, known = self._engine.weigh(spec), self._expected(spec)
        need = rules.Need(
            weights.whole,
            weights.parts,
            weights.pieces,
            rules.work(known, pixels) if pixels else 0,
            rules.certain(self._known(spec), pixels),
        )
        placements = {
            placement
            for placement in self._engine.placements
            if placement is Placement.WHOLE or need.weights(placement) < need.whole
        }
        tenants = self._tenants(but=spec.name)
        planned = rules.plan(need, tenants, self.free(), placements)
        if isinstance(planned, rules.Refusal):
            pinned = [tenant for tenant in tenants if tenant.pinned]
            raise too_little(spec.name, planned, pinned, limited=self._limit > 0)
        return planned

    def _build(self, spec: ModelSpec, placement: Placement) -> tuple[Placement, Any]:
        try:
            return placement, self._engine.load(spec, placement)
        except Exception as error:
            if not is_out_of_memory(error) and not _ran_out(error):
                raise
        # More was taken than anybody could know: everything that may go goes, and it is tried once more.
        self._make_room(tuple(tenant.name for tenant in self._tenants(but=spec.name) if not tenant.pinned), spec.name)
        self._engine.recover()
        slower = [one for one in self._engine.placements if _slower(one, placement)]
        after = min(slower, key=list(Placement).index, default=placement)
        try:
            return placement, self._engine.load(spec, placement)
        except Exception as error:
            if (not is_out_of_memory(error) and not _ran_out(error)) or after is placement:
                raise
        self._engine.recover()
        return after, self._engine.load(spec, after)

    def _make_room(self, names: Collection[str], wanted_by: str) -> None:
        for name in names:
            size = self._residents[name].model.size_bytes
            before = self._engine.free_memory()
            self._empty(name)
            self._wait_until_back(before, size)
            self.evicted(name, f"made room for {wanted_by}")

    def _wait_until_back(self, before: int, size: int) -> None:
        """Memory of a device comes back a moment after it was given up; until then nothing new is built on it."""
        until = self._clock() + BACK_SECONDS
        while not rules.is_back(before, self._engine.free_memory(), size) and self._clock() < until:
            self._engine.recover()
            self._pause(_LOOK_SECONDS)

    def _empty(self, name: str) -> bool:
        resident = self._residents.pop(name, None)
        if resident is None:
            return False
        self._engine.unload(resident.model)
        self._count()
        return True

    def _tenants(self, but: str) -> list[rules.Tenant]:
        return [
            rules.Tenant(name, resident.model.size_bytes, resident.last_used, name in self.pinned)
            for name, resident in self._residents.items()
            if name != but
        ]

    def _most_free(self, name: str) -> int:
        return self.free() + sum(tenant.size for tenant in self._tenants(but=name) if not tenant.pinned)

    def _can_shrink(self, resident: Resident) -> bool:
        return any(_slower(placement, resident.placement) for placement in self._engine.placements)

    def _known(self, spec: ModelSpec) -> tuple[tuple[int, int], ...]:
        return self._measured.get(_key(spec), ())

    def _expected(self, spec: ModelSpec) -> tuple[tuple[int, int], ...]:
        known = self._known(spec)
        for pixels, size in self._starved.get(_key(spec), ()):
            known = rules.grown(known, pixels, size) or known
        return known

    def _count(self) -> None:
        self.total_bytes = sum(resident.model.size_bytes for resident in self._residents.values())


def _key(spec: ModelSpec) -> str:
    return spec.digest or spec.name


def _slower(one: Placement, than: Placement) -> bool:
    order = list(Placement)
    return order.index(one) > order.index(than)


def _ran_out(error: Exception) -> bool:
    return isinstance(error, WorkerError) and error.reason == "DEVICE_OUT_OF_MEMORY"
