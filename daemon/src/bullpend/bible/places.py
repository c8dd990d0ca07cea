"""Places of scenes in the story: one that is put where another stands moves the others along.

Only the scenes between the old place and the new one move, by one, as in a list that is sorted by hand. Places that
nobody takes stay free: a scene that was thrown away leaves its place, and finds it again.
"""

from __future__ import annotations

from collections.abc import Callable

from bullpend.bible import store
from bullpend.bible.model import SCENES
from bullpend.db import Row, Tx


def make_room(tx: Tx, project: str, slug: str, before: int, place: int, moved: Callable[[Row], None]) -> None:
    """Frees `place` for the scene `slug`, which stood at `before` (0: it is new); `moved` is told of each other one.

    Nothing moves where no other scene outside the trash stands there.
    """
    standing = "SELECT slug, ordinal FROM scenes WHERE project = ? AND slug != ? AND delete_time IS NULL"
    places = {str(row["slug"]): int(row["ordinal"]) for row in tx.all(standing, project, slug)}
    if place not in places.values():
        return
    if before and before < place:
        between, step = range(before + 1, place + 1), -1
    else:
        between, step = range(place, before or _free(set(places.values()), place)), 1
    for other, ordinal in sorted(places.items(), key=lambda one: (one[1], one[0])):
        if ordinal in between:
            row = store.get(tx, SCENES, project, other)
            stamps: Row = {"ordinal": ordinal + step, "update_time": tx.now, "revision": tx.next_revision()}
            moved(store.change(tx, SCENES, row, stamps))


def _free(taken: set[int], place: int) -> int:
    """The first free place from here on."""
    while place in taken:
        place += 1
    return place
