"""The queue: what waits, in the order in which it is to begin. Immutable like everything that the scheduler knows.

Higher priorities go first. Within one priority the projects take turns, one job each, and within a project the order
is that of places. A place is a number: usually the order of acceptance, another one for a job that somebody moved.
Turns belong to projects: the one whose turn was longest ago is next; who comes anew lines up behind those that wait
longer, but before the one that was served last.

So no place has to be changed when a job comes, goes or is canceled, and a job's position is still known exactly: with
`k` jobs of its own project before it, each other project has `k` turns before it, or `k + 1` where it is next earlier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count, islice
from types import MappingProxyType

from bullpend.scheduling.ordered import EMPTY, Ordered

# (place, seq, job): the order within a project.
LaneKey = tuple[float, int, str]
Lane = Ordered[LaneKey, str]
_NONE: Mapping[str, int] = MappingProxyType({})


class Queue:
    """Jobs by priority, project and place. Every change gives a new queue that shares nearly everything."""

    __slots__ = ("_clock", "_lanes", "_size", "_turns")

    def __init__(
        self,
        lanes: Ordered[tuple[int, str], Lane] = EMPTY,
        turns: Mapping[str, int] = _NONE,
        clock: int = 0,
        size: int = 0,
    ) -> None:
        self._lanes = lanes
        # When each project that waits had its last turn, on a clock that goes by two with each turn.
        self._turns = turns
        self._clock = clock
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Queue) and list(self) == list(other) and self._turns == other._turns

    __hash__ = None  # type: ignore[assignment]  # a value, but not a key

    def __repr__(self) -> str:
        return f"Queue({list(self)!r})"

    def __iter__(self) -> Iterator[str]:
        """All jobs in the order in which they would begin one after the other."""
        for priority in self._priorities():
            yield from self._in_turns(priority)

    def has(self, priority: int, project: str, key: LaneKey) -> bool:
        """Whether a job waits under exactly this priority, project and place."""
        lane = self._lanes.get((-priority, project))
        return lane is not None and key in lane

    # ---- changes ----------------------------------------------------------------------------------------------------

    def add(self, priority: int, project: str, key: LaneKey) -> Queue:
        """The queue with one job more."""
        at = (-priority, project)
        lane = self._lanes.get(at)
        if lane is not None and key in lane:
            return self
        turns = self._turns
        if project not in turns:
            turns = MappingProxyType({**turns, project: self._clock - 1})
        lanes = self._lanes.set(at, (EMPTY if lane is None else lane).set(key, key[2]))
        return Queue(lanes, turns, self._clock, self._size + 1)

    def drop(self, priority: int, project: str, key: LaneKey) -> Queue:
        """The queue without a job; the queue itself where it does not wait."""
        at = (-priority, project)
        lane = self._lanes.get(at)
        if lane is None or key not in lane:
            return self
        lane = lane.drop(key)
        lanes = self._lanes.set(at, lane) if lane else self._lanes.drop(at)
        turns = self._turns
        if not lane and not any(other == project for _, other in lanes):
            turns = MappingProxyType({name: turn for name, turn in turns.items() if name != project})
        return Queue(lanes, turns, self._clock, self._size - 1)

    def served(self, project: str) -> Queue:
        """The queue after a job of this project began: its turn is over."""
        clock = self._clock + 2
        turns = self._turns
        if project in turns:
            turns = MappingProxyType({**turns, project: clock})
        return Queue(self._lanes, turns, clock, self._size)

    def next_turn(self, project: str) -> Queue:
        """The queue in which this project has the next turn at every priority."""
        if project not in self._turns:
            return self
        turns = MappingProxyType({**self._turns, project: min(self._turns.values()) - 1})
        return Queue(self._lanes, turns, self._clock, self._size)

    # ---- questions --------------------------------------------------------------------------------------------------

    def window(self, most: int, fits: Callable[[str], bool] | None = None) -> list[str]:
        """The first jobs of the highest priority that waits, `most` at most, in their order; with `fits` only those of
        which it holds, of the highest priority that has any.
        """
        for priority in self._priorities():
            found = list(islice(filter(fits, self._in_turns(priority)), most))
            if found:
                return found
        return []

    def position(self, priority: int, project: str, key: LaneKey) -> int:
        """A job's place in the order, counted from 1; 0 where it does not wait. Looks at projects, not at jobs."""
        own = self._lanes.get((-priority, project))
        rank = None if own is None else own.rank(key)
        if rank is None:
            return 0
        before, passed = 0, False
        for other, lane in self._rotation(-priority):
            if other == project:
                passed = True
            else:
                before += min(len(lane), rank if passed else rank + 1)
        higher = sum(len(lane) for (other, _), lane in self._lanes.items() if other < -priority)
        return higher + before + rank + 1

    def _priorities(self) -> Iterator[int]:
        """Negated priorities that wait, highest priority first."""
        last: int | None = None
        for priority, _ in self._lanes:
            if priority != last:
                yield priority
            last = priority

    def _rotation(self, priority: int) -> list[tuple[str, Lane]]:
        """The projects that wait at a (negated) priority, the one whose turn is next first."""
        lanes = [(project, lane) for (other, project), lane in self._lanes.items() if other == priority]
        if len(lanes) > 1:
            lanes.sort(key=lambda pair: (self._turns[pair[0]], next(iter(pair[1]))))
        return lanes

    def _in_turns(self, priority: int) -> Iterator[str]:
        rotation = [lane.values() for _, lane in self._rotation(priority)]
        for _ in count():
            left = []
            for jobs in rotation:
                job = next(jobs, None)
                if job is not None:
                    yield job
                    left.append(jobs)
            if not left:
                return
            rotation = left


NOTHING = Queue()
