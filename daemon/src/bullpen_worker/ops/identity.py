"""Who is where in a picture: each character that a scene names, compared with its own references.

Places come in three kinds, the surer before the others: where the plan painted or where the picture was changed in one
place; where a tagger says that somebody stands; and, for a character that is left over then, the place that matches it
best, which flatters: what comes of it is told under another name (`identity_best_…`) and flags nothing. A place is
given to one character, so that the sum of the likenesses is largest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from PIL import Image

from bullpen_worker.ops.figures import Box, crop
from bullpen_worker.ops.judges import Encoder, Points

PAINTED = "the place where the plan painted"
CHANGED = "the one place that changed"
STANDING = "a place where the tagger sees somebody"
BEST = "the place that matches best, anywhere in the picture; it flatters"
WHOLE = "the whole picture"
# More of either make no comic panel, and the best pairs of them too many to try.
MOST = 6
# Heights of the windows that are tried, as shares of the picture's, and how far from its top they end.
_HEIGHTS, _ENDS = (0.85, 0.6, 0.42), (1.0, 0.9, 0.75)
# Windows beside each other across the picture where nobody says where to look.
_ACROSS = 7


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to look, as windows of which the best counts, and how it was found."""

    windows: tuple[Box, ...]
    basis: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What one character's likeness is, to which of its references, and where that was found."""

    similarity: float
    reference: str
    basis: str


def around(image: Image.Image, centre: float, shape: tuple[int, int]) -> tuple[Box, ...]:
    """Windows of the shape (width, height) about a place, 0–1 across the picture, from its ground upwards."""
    found = []
    for share in _HEIGHTS:
        high = share * image.height
        wide = min(high * shape[0] / shape[1], float(image.width))
        left = min(max(0.0, centre * image.width - wide / 2), image.width - wide)
        found += [(left, end * image.height - high, left + wide, end * image.height) for end in _ENDS if end >= share]
    return tuple(found)


def anywhere(image: Image.Image, shape: tuple[int, int], taken: Sequence[Box]) -> tuple[Box, ...]:
    """Windows all over the picture whose middle lies in no place that is taken."""
    every = [box for number in range(_ACROSS) for box in around(image, (number + 0.5) / _ACROSS, shape)]
    free = [box for box in every if not any(left <= (box[0] + box[2]) / 2 <= right for left, _, right, _ in taken)]
    return tuple(dict.fromkeys(free))


def see(
    image: Image.Image,
    encoder: Encoder,
    references: Mapping[str, Sequence[tuple[str, Points]]],
    sure: Sequence[Place],
    standing: Sequence[Place],
) -> dict[str, Seen]:
    """Each character (a key of `references`) with its likeness. `references` are names with points (n, size).

    `sure` places are given away first, then those where somebody stands, then whatever matches best.
    """
    if encoder.margin is None:
        # It sees all of the picture at once: each character is compared with the same.
        whole = _points(image, encoder, ())
        return {who: _nearest(whole, own, WHOLE) for who, own in references.items()}
    seen: dict[str, Seen] = {}
    taken: list[Box] = []
    for places in (sure[:MOST], standing[:MOST]):
        left = [who for who in references if who not in seen][:MOST]
        looked = [_points(image, encoder, place.windows) for place in places] if left else []
        likeness = [
            [_nearest(own, references[who], place.basis) for own, place in zip(looked, places, strict=True)]
            for who in left
        ]
        for number, place in assigned([[one.similarity for one in row] for row in likeness]):
            seen[left[number]] = likeness[number][place]
        taken += [box for place in places for box in place.windows[:1]]
    if len(seen) < len(references):
        windows = anywhere(image, encoder.size, taken) or anywhere(image, encoder.size, ())
        every = _points(image, encoder, windows)
        seen |= {who: _nearest(every, own, BEST) for who, own in references.items() if who not in seen}
    return seen


def assigned(likeness: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Pairs (row, column) with the largest sum, each row and column at most once, as many as there are of the fewer."""
    rows, columns = len(likeness), len(likeness[0]) if likeness else 0
    if not rows or not columns:
        return []
    if rows <= columns:
        tries = [list(enumerate(chosen)) for chosen in permutations(range(columns), rows)]
    else:
        tries = [[(row, column) for column, row in enumerate(chosen)] for chosen in permutations(range(rows), columns)]
    return max(tries, key=lambda pairs: sum(likeness[row][column] for row, column in pairs))


def _nearest(own: Points, references: Sequence[tuple[str, Points]], basis: str) -> Seen:
    """The likeness of the window and the reference that are nearest to each other."""
    best = {name: float((points @ own.T).max()) for name, points in references}
    nearest = max(best, key=lambda name: best[name])
    return Seen(best[nearest], nearest, basis)


def _points(image: Image.Image, encoder: Encoder, windows: Sequence[Box]) -> Points:
    if encoder.margin is None:
        return encoder.points([image.resize(encoder.size, Image.Resampling.BILINEAR, reducing_gap=2.0)])
    margin = encoder.margin
    return encoder.points([crop(image, box, encoder.size, margin) for box in windows])


def told(
    seen: Mapping[str, Seen], drift: Callable[[float], float], nearest: dict[str, str], basis: dict[str, str]
) -> dict[str, float]:
    """The measures: of each character, and of the one that is furthest from its references of those whose place is
    known. `nearest` and `basis` get what belongs to them. `drift` is of a likeness.
    """
    values: dict[str, float] = {}

    def tell(name: str, who: str, one: Seen) -> None:
        end = f"/{who.rsplit('/', 1)[-1]}" if who else ""
        values[f"{name}_similarity{end}"], values[f"{name}_drift{end}"] = one.similarity, drift(one.similarity)
        nearest[f"{name}_drift{end}"], basis[f"{name}_drift{end}"] = one.reference, one.basis

    for who, one in seen.items():
        if who:
            tell("identity_best" if one.basis == BEST else "identity", who, one)
    known = [one for one in seen.values() if one.basis != BEST]
    if known:
        tell("identity", "", min(known, key=lambda one: one.similarity))
    return values
