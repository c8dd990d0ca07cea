"""The arithmetic of a device's memory, for all models, devices and neighbours that can be thought of."""

from __future__ import annotations

from bullpen_worker.memory_rules import (
    LEAST_WORK,
    Need,
    Placement,
    Plan,
    Prefer,
    Refusal,
    Tenant,
    certain,
    grown,
    is_back,
    largest_side,
    plan,
    room,
    work,
)
from hypothesis import given
from hypothesis import strategies as st

GB = 1 << 30
ALL = tuple(Placement)
SIZES = st.integers(0, 1 << 40)
PLACEMENTS = st.sets(st.sampled_from(ALL), min_size=1)
MEASURED = st.lists(
    st.tuples(st.integers(1, 1 << 26), st.integers(1, 1 << 40)), max_size=5, unique_by=lambda point: point[0]
)


@st.composite
def needs(draw: st.DrawFn) -> Need:
    pieces, parts, whole = sorted(draw(st.tuples(SIZES, SIZES, SIZES)))
    sure, expected = sorted(draw(st.tuples(SIZES, SIZES)))
    return Need(whole, parts, pieces, expected, sure)


@st.composite
def tenants(draw: st.DrawFn) -> list[Tenant]:
    sizes = draw(st.lists(st.tuples(SIZES, st.integers(0, 9), st.booleans()), max_size=6))
    return [Tenant(f"m{number}", size, used, pinned) for number, (size, used, pinned) in enumerate(sizes)]


def _freed(names: tuple[str, ...], among: list[Tenant]) -> int:
    return sum(tenant.size for tenant in among if tenant.name in names)


@given(wanted=SIZES, among=tenants(), free=SIZES)
def test_room_is_enough_and_no_more_than_needed(wanted: int, among: list[Tenant], free: int) -> None:
    """Whoever leaves makes it fit, nobody leaves in vain, the pinned stay, and None means that nothing would help."""
    leaving = room(wanted, among, free)
    unpinned = [tenant for tenant in among if not tenant.pinned]
    if leaving is None:
        assert free + sum(tenant.size for tenant in unpinned) < wanted
        return
    assert set(leaving) <= {tenant.name for tenant in unpinned}
    freed = free + _freed(leaving, among)
    assert freed >= wanted
    for tenant in among:
        if tenant.name in leaving:
            assert freed - tenant.size < wanted, "left in vain"


@given(wanted=SIZES, among=tenants(), free=SIZES)
def test_the_longest_unused_leave(wanted: int, among: list[Tenant], free: int) -> None:
    """Whoever stays though he was unused longer than one who leaves would not have been enough in his place."""
    leaving = room(wanted, among, free) or ()
    gone = [tenant for tenant in among if tenant.name in leaving]
    for stays in among:
        for goes in gone:
            if not stays.pinned and stays.name not in leaving and stays.last_used < goes.last_used:
                assert free + _freed(leaving, among) - goes.size + stays.size < wanted or stays.size < goes.size


@given(need=needs(), among=tenants(), free=SIZES, placements=PLACEMENTS, prefer=st.sampled_from(Prefer))
def test_a_plan_holds_what_it_promises(
    need: Need, among: list[Tenant], free: int, placements: set[Placement], prefer: Prefer
) -> None:
    """The weights and all that is certain fit; what is refused fits in no way; a guess alone never refuses."""
    made = plan(need, among, free, placements, prefer)
    most = free + sum(tenant.size for tenant in among if not tenant.pinned)
    if isinstance(made, Refusal):
        assert all(need.weights(placement) + need.certain > most for placement in placements)
        assert made.available == most < made.needed
        return
    assert made.placement in placements
    assert free + _freed(made.evict, among) >= need.weights(made.placement) + need.certain
    assert not [tenant for tenant in among if tenant.pinned and tenant.name in made.evict]
    if need.of(made.placement) <= free:
        assert made.evict == (), "somebody had to leave though there was room"


@given(need=needs(), among=tenants(), free=SIZES, more=SIZES, placements=PLACEMENTS)
def test_more_memory_is_never_worse(
    need: Need, among: list[Tenant], free: int, more: int, placements: set[Placement]
) -> None:
    """With more free memory a model is placed at least as fast as with less."""
    before, after = plan(need, among, free, placements), plan(need, among, free + more, placements)
    order = list(Placement)
    if isinstance(before, Plan) and need.of(before.placement) <= free + _freed(before.evict, among):
        assert isinstance(after, Plan)
        assert order.index(after.placement) <= order.index(before.placement)


def test_the_order_of_means() -> None:
    """As it is, then room, then parts, then pieces, then a refusal that says how much is missing."""
    need = Need(whole=10 * GB, parts=5 * GB, pieces=GB, work=GB, certain=GB)
    old, new = Tenant("old", 4 * GB, 1), Tenant("new", 4 * GB, 2)
    assert plan(need, [old, new], 12 * GB, ALL) == Plan(Placement.WHOLE)
    assert plan(need, [old, new], 8 * GB, ALL) == Plan(Placement.WHOLE, ("old",))
    assert plan(need, [old, new], 7 * GB, ALL, Prefer.PARTS) == Plan(Placement.PARTS)
    assert plan(need, [old, new], 1 * GB, ALL) == Plan(Placement.PARTS, ("old", "new"))
    assert plan(need, [old], 1 * GB, ALL) == Plan(Placement.PIECES, ("old",))
    pinned = Tenant("kept", 20 * GB, 1, pinned=True)
    assert plan(need, [pinned], 1 * GB, ALL) == Refusal(2 * GB, 1 * GB)
    assert plan(need, [pinned], 1 * GB, [Placement.WHOLE]) == Refusal(11 * GB, 1 * GB)


@given(measured=MEASURED, one=st.integers(1, 1 << 26), other=st.integers(1, 1 << 26))
def test_a_larger_picture_never_takes_less(measured: list[tuple[int, int]], one: int, other: int) -> None:
    """The expected work grows with the picture, is at least what is certain, and is positive."""
    small, large = sorted((one, other))
    assert work(measured, small) <= work(measured, large)
    assert work(measured, large) >= certain(measured, large)
    assert work(measured, small) >= 0


@given(measured=MEASURED, pixels=st.integers(1, 1 << 26), size=st.integers(1, 1 << 40))
def test_a_measurement_counts_from_then_on(measured: list[tuple[int, int]], pixels: int, size: int) -> None:
    """After a job of some size was measured, an equal one is expected to take at least that; less tells nothing new."""
    known = grown(measured, pixels, size)
    if known is None:
        assert dict(measured)[pixels] >= size
        return
    assert work(known, pixels) >= size
    assert grown(known, pixels, size) is None
    assert grown(known, pixels, size - 1) is None


def test_work_follows_what_was_measured() -> None:
    """Nothing measured: a rule of thumb. Between: the line. Beyond: as it grew so far."""
    assert work([], 64 * 64) == LEAST_WORK
    assert work([], 1024 * 1024) == 2_000 * 1024 * 1024
    assert work([(100, 1000), (200, 3000)], 150) == 2000
    assert work([(100, 1000), (200, 3000)], 400) == 3000 + 15 * 200
    assert work([(100, 10**9)], 200) == 10**9 + 2_000 * 100


@given(measured=MEASURED, available=SIZES)
def test_the_largest_picture_that_is_named_fits(measured: list[tuple[int, int]], available: int) -> None:
    """What a person is told to try is expected to fit, and the next larger one is not."""
    side = largest_side(measured, available)
    if side:
        assert work(measured, side * side) * 1.05 <= available
    if side < 16_384 - 64:
        assert work(measured, (side + 64) ** 2) * 1.05 > available


def test_memory_is_back_when_nearly_all_of_it_is() -> None:
    """A driver keeps a little for itself; half is not enough. Little cannot be told from what others do."""
    assert is_back(0, 8 * GB, 10 * GB)
    assert not is_back(0, 5 * GB, 10 * GB)
    assert is_back(10, 10, GB // 8)
