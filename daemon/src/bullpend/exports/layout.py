"""Where things lie on pages. Pure arithmetic; the post worker draws it.

Lengths of panels are whole pixels; those of a contact sheet are 1/72 inch. Both are counted from the upper left corner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bullpend.exports.model import Content, Layout, Picture

# A4, in 1/72 inch.
A4 = (595.28, 841.89)
INCH = 72.0
# Pixels an inch that panels are laid out with.
DENSITY = 200.0
SHEET_COLUMNS = 4
SHEET_MARGIN, SHEET_GAP, SHEET_HEAD = 36.0, 12.0, 36.0
CAPTION, SMALL, LEADING = 6.5, 6.0, 9.0
# How much lower than its pictures are a box may be, where that makes room for one more row.
LOWER = 0.85
# Twice what a printer shows of the smallest picture.
SHEET_SIDE = 600


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Text:
    """One line of words."""

    text: str
    left: float
    baseline: float
    width: float
    size: float
    bold: bool = False
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page: pictures in their boxes, and words."""

    width: float
    height: float
    pictures: tuple[tuple[Picture, Box], ...]
    texts: tuple[Text, ...] = ()


def panels(layout: Layout) -> list[Box]:
    """The boxes of one page in reading order."""
    width = (layout.page_width - 2 * layout.margin - (layout.columns - 1) * layout.gutter) // layout.columns
    height = (layout.page_height - 2 * layout.margin - (layout.rows - 1) * layout.gutter) // layout.rows
    columns = list(range(layout.columns))
    if layout.right_to_left:
        columns.reverse()
    return [
        Box(
            layout.margin + column * (width + layout.gutter),
            layout.margin + row * (height + layout.gutter),
            width,
            height,
        )
        for row in range(layout.rows)
        for column in columns
    ]


def laid_out(pictures: Sequence[Picture], layout: Layout) -> list[Page]:
    """Pictures in reading order on as many pages as they need."""
    boxes = panels(layout)
    return [
        Page(layout.page_width, layout.page_height, tuple(zip(group, boxes, strict=False)))
        for group in _groups(pictures, layout.panels)
    ]


def one_a_page(pictures: Sequence[Picture]) -> list[Page]:
    """Each picture as a page of its own shape, the longer side that of A4, in 1/72 inch."""
    pages = []
    for picture in pictures:
        scale = A4[1] / max(picture.width, picture.height)
        width, height = round(picture.width * scale, 2), round(picture.height * scale, 2)
        pages.append(Page(width, height, ((picture, Box(0, 0, width, height)),)))
    return pages


def printed(page: Page) -> Page:
    """A page of pixels in 1/72 inch."""
    scale = INCH / DENSITY

    def scaled(box: Box) -> Box:
        return Box(*(round(side * scale, 2) for side in (box.left, box.top, box.width, box.height)))

    return replace(
        page,
        width=round(page.width * scale, 2),
        height=round(page.height * scale, 2),
        pictures=tuple((picture, scaled(box)) for picture, box in page.pictures),
    )


def contact_sheet(content: Content, title: str, wanted: str) -> list[Page]:
    """Small pictures with captions; those of one scene stand together, the accepted one first."""
    ordered = [
        picture
        for accepted in content.pictures
        for picture in (accepted, *(other for other in content.candidates if other.scene == accepted.scene))
    ]
    side = (A4[0] - 2 * SHEET_MARGIN - (SHEET_COLUMNS - 1) * SHEET_GAP) / SHEET_COLUMNS
    rows, height = _rows(side, max(picture.height / picture.width for picture in ordered))
    step = height + 2 * LEADING + SHEET_GAP
    numbers = {picture.scene: number for number, picture in enumerate(content.pictures, 1)}
    groups = _groups(ordered, SHEET_COLUMNS * rows)
    pages = []
    for number, group in enumerate(groups, 1):
        head = f"{wanted} · page {number} of {len(groups)}"
        texts = [
            Text(title, SHEET_MARGIN, SHEET_MARGIN + 12, A4[0] - 2 * SHEET_MARGIN, 14, bold=True),
            Text(head, SHEET_MARGIN, SHEET_MARGIN + 24, A4[0] - 2 * SHEET_MARGIN, 7.5, quiet=True),
        ]
        placed = []
        for place, picture in enumerate(group):
            row, column = divmod(place, SHEET_COLUMNS)
            box = Box(
                round(SHEET_MARGIN + column * (side + SHEET_GAP), 2),
                round(SHEET_MARGIN + SHEET_HEAD + row * step, 2),
                round(side, 2),
                round(height, 2),
            )
            placed.append((picture, box))
            first, second = caption(picture, numbers[picture.scene])
            below = box.top + box.height + LEADING
            texts.append(Text(first, box.left, round(below, 2), box.width, CAPTION, bold=picture.accepted))
            texts.append(Text(second, box.left, round(below + LEADING, 2), box.width, SMALL, quiet=True))
        pages.append(Page(*A4, tuple(placed), tuple(texts)))
    return pages


def _rows(side: float, shape: float) -> tuple[int, float]:
    """How many rows a sheet has, and how high their boxes are, for pictures at most `shape` times as high as wide."""
    room = A4[1] - 2 * SHEET_MARGIN - SHEET_HEAD + SHEET_GAP
    beside = 2 * LEADING + SHEET_GAP
    wanted = side * min(max(shape, 0.4), 1.5)
    rows = int(room // (wanted * LOWER + beside))
    return rows, min(wanted, room / rows - beside)


def caption(picture: Picture, number: int) -> tuple[str, str]:
    """What is written below a small picture: the scene, and how it was made."""
    title = picture.title or picture.scene
    run, candidate = picture.run.rpartition("/")[2], picture.candidate.rpartition("/")[2]
    # The id of a run mostly ends in its stage.
    stage = "" if run.endswith(picture.stage) else picture.stage
    made = [part for part in (stage, run, candidate) if part]
    if picture.candidate:
        made.append(f"seed {picture.seed}")
    return f"{number:02} {title}", " · ".join(made)


def _groups(pictures: Sequence[Picture], size: int) -> list[Sequence[Picture]]:
    return [pictures[start : start + size] for start in range(0, len(pictures), size)]
