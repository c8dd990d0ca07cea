"""A window into a list of any length: pages come and go, events change what is here."""

from __future__ import annotations

from bullpen_api.v1 import asset_pb2, event_pb2
from bullpen_tui.gallery.window import (
    PAGE,
    PAGES_KEPT,
    GalleryChange,
    Look,
    Paged,
    Slip,
    Slipped,
    Summed,
    Window,
    apply,
    happened,
)

LOOK = Look("projects/p")


def asset(number: int, revision: int = 1, rating: int = 0) -> asset_pb2.Asset:
    return asset_pb2.Asset(name=f"projects/p/assets/{number}", revision=revision, rating=rating)


def page(number: int, *, revision: int = 1, count: int = PAGE, more: bool = True, look: Look = LOOK) -> Paged:
    first = number * PAGE
    return Paged(look, number, tuple(asset(first + at) for at in range(count)), more, revision)


def after(*changes: GalleryChange) -> Window:
    window = Window()
    for change in changes:
        window = apply(window, change)
    return window


def test_a_million_have_a_few_pages() -> None:
    """Each place is there, the pictures only of the pages that were read last; the nearest ones stay."""
    window = after(
        page(0), Summed(LOOK, 1_000_000, (), 1), *(page(number, more=number < 9_999) for number in range(9_990, 10_000))
    )
    assert (window.total, len(window.pages)) == (1_000_000, PAGES_KEPT)
    assert window.get(999_999) is not None
    assert window.get(0) is None
    assert window.wanted([0, 5, 999_999, 1_000_000]) == [0]
    assert window.places["projects/p/assets/999999"] == 999_999


def test_the_total_follows_what_was_read() -> None:
    """Before it was counted there is at least one more where a page says so; the last page tells the end."""
    assert after(page(0)).total == PAGE + 1
    assert after(page(0, count=7, more=False)).total == 7
    assert after(page(0, count=0, more=False)).total == 0
    shrunk = after(page(0), Summed(LOOK, 250, (), 1), page(2, count=10, more=False, revision=2))
    assert shrunk.total == 210


def test_another_question_begins_another_window() -> None:
    """Its first page replaces everything; what was asked before is not mixed in."""
    rain = Look("projects/p", "rain")
    window = after(page(0), Summed(LOOK, 500, (), 1), Summed(rain, 3, (), 2))
    assert window.total == 500, "figures of a window whose pages are still to come"
    window = apply(window, page(0, count=3, more=False, look=rain))
    assert (window.look, window.total, window.counted) == (rain, 3, -1)


def test_a_slip_leaves_what_was_found() -> None:
    """The last good window stays; the next answer takes the slip away."""
    slip = Slip("There is no “stge:”.", 1, 4)
    window = after(page(0), Slipped(Look("projects/p", "stge:x"), slip))
    assert (window.slip, len(window.pages)) == (slip, 1)
    assert apply(window, page(0, revision=2)).slip is None


def test_older_answers_lose() -> None:
    """A page or a count that was asked earlier and comes later changes nothing."""
    window = after(page(0, revision=5, count=3, more=False), page(0, revision=4))
    assert window.total == 3
    counted = after(page(0), Summed(LOOK, 9, (), 5), Summed(LOOK, 7, (), 4))
    assert counted.total == 9


def test_events_change_what_is_here_and_make_pages_old() -> None:
    """A rating is shown at once and moves nothing; a new picture makes the pages old, which stay until read again."""
    window = after(page(0), Summed(LOOK, 250, (), 1))
    rated = event_pb2.Event(revision=8, kind="asset.updated", asset=asset(3, revision=8, rating=4))
    window = happened(window, rated)
    found = window.named("projects/p/assets/3")
    assert found is not None
    assert found.rating == 4
    assert window.wanted([3]) == []
    made = event_pb2.Event(revision=9, kind="asset.created", asset=asset(777, revision=9))
    window = happened(window, made)
    assert window.wanted([3]) == [0]
    assert window.get(3) is not None
    assert apply(window, page(0, revision=9)).wanted([3]) == []
    elsewhere = event_pb2.Event(revision=10, kind="asset.created", asset=asset_pb2.Asset(name="projects/q/assets/1"))
    assert happened(window, elsewhere) is window


def test_a_rating_may_move_what_a_search_found() -> None:
    """What people say decides what a search finds, so its pages are old then."""
    look = Look("projects/p", "rating:>3")
    window = after(page(0, look=look))
    event = event_pb2.Event(revision=8, kind="asset.updated", asset=asset(3, revision=8))
    assert happened(window, event).wanted([0]) == [0]


def test_what_was_accepted_is_read_again() -> None:
    """A candidate of the project that was accepted makes what is in view old, and one of another project does not."""
    window = after(page(0))
    other = event_pb2.Event(revision=9, kind="candidate.accepted")
    other.candidate.name = "projects/q/runs/r/jobs/1/candidates/c1"
    assert happened(window, other) is window
    event = event_pb2.Event(revision=9, kind="candidate.released")
    event.candidate.name = "projects/p/runs/r/jobs/1/candidates/c1"
    assert happened(window, event).wanted([0]) == [0]
    assert happened(window, event_pb2.Event(revision=9, kind="candidate.stale", candidate=event.candidate)) is window
