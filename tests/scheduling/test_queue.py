"""The queue against a list that is searched anew for every answer."""

from __future__ import annotations

from bullpend.scheduling.queue import NOTHING, LaneKey, Queue
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

PROJECTS = st.sampled_from("abc")
PICK = st.integers(0, 1 << 16)
Job = tuple[int, str, LaneKey]


def filled(*jobs: tuple[str, int]) -> Queue:
    """A queue of jobs `(project, priority)`, named by project and order."""
    queue = NOTHING
    for seq, (project, priority) in enumerate(jobs, 1):
        queue = queue.add(priority, project, (float(seq), seq, f"{project}{seq}"))
    return queue


def test_projects_take_turns() -> None:
    """One job of each project after the other, however many the first one brought."""
    queue = filled(*[("a", 0)] * 4, *[("b", 0)] * 2, ("c", 0))
    assert list(queue) == ["a1", "b5", "c7", "a2", "b6", "a3", "a4"]


def test_priority_goes_before_turns() -> None:
    """A higher priority is worked off first, by turns within itself."""
    assert list(filled(("a", 0), ("a", 5), ("b", 0), ("b", 5))) == ["a2", "b4", "a1", "b3"]


def test_who_was_served_lines_up_behind_the_others() -> None:
    """After a turn the other projects are next; a newcomer is before the one that was served last."""
    queue = filled(("a", 0), ("a", 0), ("b", 0)).drop(0, "a", (1.0, 1, "a1")).served("a")
    assert list(queue) == ["b3", "a2"]
    queue = queue.add(0, "c", (9.0, 9, "c9"))
    assert list(queue) == ["b3", "c9", "a2"]


def test_the_next_turn_can_be_given() -> None:
    """A project that gets the next turn is served before those that wait longer."""
    assert list(filled(("a", 0), ("b", 0), ("b", 0)).next_turn("b")) == ["b2", "a1", "b3"]


def test_places_order_a_project() -> None:
    """Within a project the place decides, then the order of acceptance."""
    queue = NOTHING.add(0, "a", (2.0, 1, "late")).add(0, "a", (1.0, 2, "early")).add(0, "a", (1.0, 3, "next"))
    assert list(queue) == ["early", "next", "late"]


class Against(RuleBasedStateMachine):
    """Adds, drops and serves, and compares every answer with the simplest way to find it."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = NOTHING
        self.jobs: list[Job] = []
        self.turns: dict[str, int] = {}
        self.clock = 0
        self.seq = 0

    @rule(project=PROJECTS, priority=st.integers(0, 1), place=st.none() | st.integers(0, 9))
    def add(self, project: str, priority: int, place: int | None) -> None:
        self.seq += 1
        job = (priority, project, (float(self.seq if place is None else place), self.seq, f"{project}{self.seq}"))
        self.turns.setdefault(project, self.clock - 1)
        self.jobs.append(job)
        self.queue = self.queue.add(*job).add(*job)

    @precondition(lambda self: self.jobs)
    @rule(pick=PICK, begins=st.booleans())
    def one_leaves(self, pick: int, begins: bool) -> None:
        job = self.jobs.pop(pick % len(self.jobs))
        self.queue = self.queue.drop(*job).drop(*job)
        if not any(other == job[1] for _, other, _ in self.jobs):
            self.turns.pop(job[1])
        if begins:
            self.queue = self.queue.served(job[1])
            self.clock += 2
            if job[1] in self.turns:
                self.turns[job[1]] = self.clock

    @rule(project=PROJECTS)
    def next_turn(self, project: str) -> None:
        if project in self.turns:
            self.turns[project] = min(self.turns.values()) - 1
        self.queue = self.queue.next_turn(project)

    def order(self) -> list[Job]:
        """By priority, then round by round over the projects by their turns."""
        found: list[Job] = []
        for priority in (1, 0):
            lanes: dict[str, list[Job]] = {}
            for job in sorted(self.jobs, key=lambda job: job[2]):
                if job[0] == priority:
                    lanes.setdefault(job[1], []).append(job)
            names = sorted(lanes, key=lambda name: (self.turns[name], lanes[name][0][2]))
            for number in range(len(self.jobs)):
                found += [lanes[name][number] for name in names if number < len(lanes[name])]
        return found

    @invariant()
    def the_answers_agree(self) -> None:
        wanted = self.order()
        assert [job[2][2] for job in wanted] == list(self.queue)
        assert len(self.queue) == len(wanted)
        assert [self.queue.position(*job) for job in wanted] == list(range(1, len(wanted) + 1))
        first = [job[2][2] for job in wanted if job[0] == wanted[0][0]][:3]
        assert self.queue.window(3) == first
        assert all(self.queue.has(*job) for job in wanted)


TestAgainst = Against.TestCase
TestAgainst.settings = settings(max_examples=60, stateful_step_count=25)
