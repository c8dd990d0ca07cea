"""The life of an instruction: every pair of state and move, and a world of crashes, two workers and hasty people."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import pytest
from bullpend.db import Row
from bullpend.errors import DatabaseUnavailable, FieldInvalid, StateConflict
from bullpend.instructions import rules, store
from bullpend.instructions.model import ENDED, TABLE, Move, State, sources
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.instructions.books import Books, draft

PICK = st.integers(0, 1 << 16)
LOCK = 120.0


@pytest.mark.parametrize(("state", "move"), list(product(State, Move)))
def test_every_pair_is_in_the_table_or_refused(state: State, move: Move) -> None:
    """A move leads where the table says, and is refused everywhere else; nothing leads out of an end."""
    if (state, move) in TABLE:
        assert rules.move(state, move) is TABLE[state, move]
        assert state in sources(move)
        assert state not in ENDED
    else:
        with pytest.raises(StateConflict) as refused:
            rules.move(state, move, "projects/p/instructions/i-0001")
        assert refused.value.metadata["state"] == state


class World(RuleBasedStateMachine):
    """Two workers and people over one database. What a worker does outside is counted by its request id."""

    def __init__(self) -> None:
        super().__init__()
        self.books = Books()
        self.workers: dict[str, list[Row]] = {"a": [], "b": []}
        # What was made outside, by the key that makes it once, and who ended an instruction how often.
        self.effects: Counter[str] = Counter()
        self.confirmed: Counter[str] = Counter()
        self.states: dict[int, State] = {}
        self.ends: Counter[int] = Counter()

    def teardown(self) -> None:
        self.books.close()

    @initialize(digests=st.lists(st.booleans(), min_size=1, max_size=3))
    def begin(self, digests: list[bool]) -> None:
        """Most worlds begin with something to do: what nobody proposed or confirmed keeps everybody idle."""
        for number, sure in enumerate(digests):
            self.propose(3)
            if sure:
                self.confirm(number, True)

    def rows(self) -> list[Row]:
        return self.books.write(lambda tx: tx.all("SELECT * FROM instructions ORDER BY id"))

    def pick(self, number: int, states: tuple[State, ...]) -> Row | None:
        rows = [row for row in self.rows() if row["state"] in states]
        return rows[number % len(rows)] if rows else None

    def held(self, worker: str, number: int) -> Row | None:
        held = self.workers[worker]
        return held[number % len(held)] if held else None

    @rule(attempts=st.integers(1, 3))
    def propose(self, attempts: int) -> None:
        row = draft(max_attempts=attempts, expire_time=self.books.now + 600)
        self.books.write(lambda tx: store.create(tx, row))

    @rule(number=PICK, right=st.booleans())
    def confirm(self, number: int, right: bool) -> None:
        row = self.pick(number, tuple(State))
        if row is None:
            return
        digest = row["digest"] if right else "other"
        done = self.books.write(lambda tx: store.confirm(tx, row, digest, False))
        fine = right and row["state"] == State.DRAFT and row["expire_time"] > self.books.now
        assert (done is not None) == fine
        self.confirmed[row["slug"]] += done is not None

    @rule(number=PICK)
    def show(self, number: int) -> None:
        row = self.pick(number, tuple(State))
        if row is not None:
            shown = {"digest": f"d{row['revision']}", "expire_time": self.books.now + 600}
            done = self.books.write(lambda tx: store.show(tx, row, **shown))
            assert (done is not None) == (row["state"] == State.DRAFT)

    @rule(number=PICK)
    def cancel(self, number: int) -> None:
        row = self.pick(number, tuple(State))
        if row is not None:
            done = self.books.write(lambda tx: store.cancel(tx, row))
            if row["state"] in (State.DRAFT, State.QUEUED):
                assert done is not None
                assert done["state"] == State.CANCELED
            if row["state"] in ENDED:
                assert done is None

    @rule(worker=st.sampled_from("ab"))
    def claim(self, worker: str) -> None:
        before = {row["id"]: row for row in self.rows()}
        row = self.books.write(lambda tx: store.claim(tx, worker, LOCK))
        due = [
            old
            for old in before.values()
            if (old["state"] == State.QUEUED and old["not_before"] <= self.books.now)
            or (old["state"] == State.RUNNING and old["lock_time"] <= self.books.now)
        ]
        assert (row is None) == (not due), "what is due is taken up, and nothing else"
        if row is not None:
            assert row["id"] == min(old["id"] for old in due)
            assert row["attempt"] == before[row["id"]]["attempt"] + 1
            self.workers[worker].append(row)

    @rule(worker=st.sampled_from("ab"))
    def lose_the_lock(self, worker: str) -> None:
        """A worker is silent for too long, and the other one looks; the first one still believes in its lock."""
        if self.workers[worker]:
            self.books.now += LOCK
            self.claim("b" if worker == "a" else "a")

    @rule(worker=st.sampled_from("ab"), number=PICK)
    def act(self, worker: str, number: int) -> None:
        """A worker calls out; whoever it is, the key is the instruction's."""
        row = self.held(worker, number)
        if row is not None and not self.effects[row["slug"]]:
            self.effects[row["slug"]] += 1

    @rule(worker=st.sampled_from("ab"), number=PICK, how=st.sampled_from(["finish", "fail", "retry", "canceled"]))
    def end(self, worker: str, number: int, how: str) -> None:
        row = self.held(worker, number)
        if row is None:
            return
        error = {"reason": "INTERNAL", "message": "No.", "remedy": ""}
        moves: dict[str, Any] = {
            "finish": lambda tx: store.finish(tx, row, "Done."),
            "fail": lambda tx: store.fail(tx, row, error),
            "retry": lambda tx: store.retry(tx, row, error, 10.0),
            "canceled": lambda tx: store.canceled(tx, row, "Stopped."),
        }
        current = next(old for old in self.rows() if old["id"] == row["id"])
        mine = (current["state"], current["owner"], current["attempt"]) == (State.RUNNING, worker, row["attempt"])
        done = self.books.write(moves[how])
        assert (done is not None) == mine, "only who holds the lock ends it"
        self.workers[worker].remove(row)

    @rule(worker=st.sampled_from("ab"), number=PICK)
    def renew(self, worker: str, number: int) -> None:
        row = self.held(worker, number)
        if row is not None:
            current = next(old for old in self.rows() if old["id"] == row["id"])
            mine = (current["state"], current["owner"], current["attempt"]) == (State.RUNNING, worker, row["attempt"])
            assert (self.books.write(lambda tx: store.renew(tx, row, LOCK)) is not None) == mine

    @rule(worker=st.sampled_from("ab"))
    def crash(self, worker: str) -> None:
        self.workers[worker].clear()

    @rule()
    def daemon_starts_again(self) -> None:
        self.workers = {"a": [], "b": []}
        self.books.write(store.recover)
        assert all(row["state"] != State.RUNNING for row in self.rows())

    @rule(seconds=st.sampled_from([1.0, 15.0, 130.0, 700.0]))
    def time_passes(self, seconds: float) -> None:
        self.books.now += seconds

    @invariant()
    def nothing_is_done_twice_or_lost(self) -> None:
        rows = self.rows()
        assert {row["id"] for row in rows} >= set(self.states), "no instruction is lost"
        for row in rows:
            assert self.confirmed[row["slug"]] <= 1, "a confirmation is used once"
            assert self.effects[row["slug"]] <= 1
            if self.effects[row["slug"]] or row["state"] in (State.QUEUED, State.RUNNING, State.DONE, State.FAILED):
                assert self.confirmed[row["slug"]] == 1, "nothing moves that nobody confirmed"
        holders = [
            (row["id"], row["attempt"])
            for worker, held in self.workers.items()
            for row in held
            for current in rows
            if current["id"] == row["id"]
            and (current["state"], current["owner"], current["attempt"]) == (State.RUNNING, worker, row["attempt"])
        ]
        assert len(holders) == len(set(holders)) == len({identity for identity, _ in holders}), "one holder each"

    @invariant()
    def only_the_table_moves_states(self) -> None:
        allowed = {(before, after) for (before, _), after in TABLE.items()}
        # What two events of one step may pass through.
        reach = allowed | {(before, last) for before, mid in allowed for other, last in allowed if other == mid}
        for row in self.rows():
            now, before = State(row["state"]), self.states.get(row["id"], State.DRAFT)
            assert now is before or (before, now) in reach
            self.states[row["id"]] = now
        for event in self.books.events:
            assert event.kind.startswith("instruction.")


TestWorld = World.TestCase
TestWorld.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


def test_a_lost_lock_counts_as_a_failed_attempt_and_a_dead_daemon_does_not() -> None:
    """A worker that stays silent uses an attempt up; a restart of the daemon gives it back untouched."""
    books = Books()
    row = books.write(lambda tx: store.create(tx, draft()))
    assert books.write(lambda tx: store.confirm(tx, row, "d1", False)) is not None
    first = books.write(lambda tx: store.claim(tx, "a", LOCK))
    assert first is not None
    assert books.write(lambda tx: store.claim(tx, "b", LOCK)) is None, "locked"
    books.now += LOCK
    second = books.write(lambda tx: store.claim(tx, "b", LOCK))
    assert second is not None
    assert (second["attempt"], second["failures"], second["owner"]) == (2, 1, "b")
    assert books.write(lambda tx: store.finish(tx, first, "late")) is None, "the first worker's word is void"
    assert books.write(store.recover) == 1
    third = books.write(lambda tx: store.claim(tx, "c", LOCK))
    assert third is not None
    assert (third["attempt"], third["failures"]) == (3, 1)
    books.close()


def test_backoff_grows_and_ends() -> None:
    """Ten seconds times the attempt, three attempts; what will never pass is not tried again."""
    waits = [rules.after_failure(DatabaseUnavailable("No."), count, 3, 10.0) for count in (1, 2, 3)]
    assert waits == [10.0, 20.0, None]
    assert rules.after_failure(FieldInvalid("No."), 1, 3, 10.0) is None
