"""The contact sheet of a run: one row a picture, its candidates side by side, accepted ones framed with a star."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path

from bullpen_api.worker.v1 import link_pb2
from PIL import Image, ImageDraw, ImageFont

from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.picture import open_picture
from bullpen_worker.ops.store import Draft, drafts, sync_folder

_PAPER = (250, 249, 246)
_INK = (38, 38, 42)
_QUIET = (122, 120, 116)
_EMPTY = (236, 234, 229)
_LINE = (221, 218, 211)
_ACCENT = (214, 106, 40)

_MARGIN = 32
_GAP = 18
_CAPTION = 22
_FRAME = 3
_LABEL_WIDTH = 168
_TITLE_HEIGHT = 52
# The cell is made smaller before the sheet grows past this; what does not fit the smallest cell is refused.
_MAX_SHEET_PIXELS = 48_000_000
_CELL_SIZES = (192, 144, 96, 64, 40)

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, slots=True)
class _Layout:
    cell: int
    columns: int
    rows: int

    @property
    def row_height(self) -> int:
        return self.cell + _CAPTION + _GAP

    @property
    def width(self) -> int:
        return 2 * _MARGIN + _LABEL_WIDTH + self.columns * (self.cell + _GAP) - _GAP

    @property
    def height(self) -> int:
        return 2 * _MARGIN + _TITLE_HEIGHT + self.rows * self.row_height - _GAP


def write_sheet(task: link_pb2.ContactSheet, max_pixels: int) -> link_pb2.SheetWritten:
    """Draws the sheet and writes it durably as PNG. A picture that cannot be read leaves a named gap.

    Raises WorkerError LIMIT_EXCEEDED where the sheet would be too large, DISK_FULL by way of OSError.
    """
    layout = _choose_layout(task)
    sheet = Image.new("RGB", (layout.width, layout.height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    title, label, caption = (ImageFont.load_default(size) for size in (24, 15, 12))
    draw.text((_MARGIN, _MARGIN - 6), _shorten(draw, task.title, title, layout.width - 2 * _MARGIN), _INK, title)
    top = _MARGIN + _TITLE_HEIGHT
    draw.line([(_MARGIN, top - _GAP), (layout.width - _MARGIN, top - _GAP)], _LINE, 1)
    for row in task.rows:
        _draw_row_label(draw, row.label, top, label)
        left = _MARGIN + _LABEL_WIDTH
        for cell in row.cells:
            _draw_cell(sheet, draw, cell, (left, top), layout.cell, caption, max_pixels)
            left += layout.cell + _GAP
        top += layout.row_height
    _write(sheet, Path(task.out_path))
    return link_pb2.SheetWritten(path=task.out_path, width=sheet.width, height=sheet.height)


def _choose_layout(task: link_pb2.ContactSheet) -> _Layout:
    columns = max((len(row.cells) for row in task.rows), default=0)
    for cell in _CELL_SIZES:
        layout = _Layout(cell, max(1, columns), max(1, len(task.rows)))
        if layout.width * layout.height <= _MAX_SHEET_PIXELS:
            return layout
    raise WorkerError(
        "LIMIT_EXCEEDED", f"A sheet of {len(task.rows)} rows and {columns} columns is too large to be drawn."
    )


def _draw_row_label(draw: ImageDraw.ImageDraw, text: str, top: int, font: _Font) -> None:
    line_top = top + 2
    for line in _wrap(draw, text, font, _LABEL_WIDTH - _GAP)[:5]:
        draw.text((_MARGIN, line_top), line, _INK, font)
        line_top += 21


def _draw_cell(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    cell: link_pb2.SheetCell,
    corner: tuple[int, int],
    size: int,
    font: _Font,
    max_pixels: int,
) -> None:
    left, top = corner
    try:
        picture = _scaled(open_picture(cell.path, max_pixels), size)
    except WorkerError:
        draw.rectangle((left, top, left + size - 1, top + size - 1), _EMPTY)
        words = "no picture"
        draw.text((left + (size - draw.textlength(words, font)) / 2, top + size / 2 - 8), words, _QUIET, font)
        box = (left, top, left + size, top + size)
    else:
        at = (left + (size - picture.width) // 2, top + (size - picture.height) // 2)
        sheet.paste(picture, at)
        box = (*at, at[0] + picture.width, at[1] + picture.height)
    caption_left = left
    if cell.accepted:
        for grow in range(1, _FRAME + 1):
            draw.rectangle((box[0] - grow, box[1] - grow, box[2] + grow - 1, box[3] + grow - 1), outline=_ACCENT)
        _draw_star(draw, (left + 7, top + size + 14), 7)
        caption_left += 19
    room = size - (caption_left - left)
    colour = _ACCENT if cell.accepted else _QUIET
    draw.text((caption_left, top + size + 6), _shorten(draw, cell.label, font, room), colour, font)


def _draw_star(draw: ImageDraw.ImageDraw, centre: tuple[float, float], radius: float) -> None:
    points = []
    for corner in range(10):
        reach = radius if corner % 2 == 0 else radius * 0.42
        angle = math.pi * (corner / 5 - 0.5)
        points.append((centre[0] + reach * math.cos(angle), centre[1] + reach * math.sin(angle)))
    draw.polygon(points, _ACCENT)


def _scaled(picture: Image.Image, size: int) -> Image.Image:
    """The picture inside a square of `size`; very small ones keep hard pixels."""
    scale = size / max(picture.size)
    target = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    if target == picture.size:
        return picture
    hard = max(picture.size) * 3 <= size
    return picture.resize(target, Image.Resampling.NEAREST if hard else Image.Resampling.LANCZOS)


def _wrap(draw: ImageDraw.ImageDraw, text: str, font: _Font, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and draw.textlength(f"{lines[-1]} {word}", font) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(_shorten(draw, word, font, width))
    return lines


def _shorten(draw: ImageDraw.ImageDraw, text: str, font: _Font, width: int) -> str:
    """The text, or as much of its beginning as fits the width with an ellipsis."""
    text = " ".join(text.split())
    if draw.textlength(text, font) <= width:
        return text
    while text and draw.textlength(f"{text}…", font) > width:
        text = text[:-1]
    return f"{text}…"


def _write(sheet: Image.Image, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    # Level 6 takes twice as long for a thirtieth of the bytes.
    sheet.save(buffer, "PNG", compress_level=3)
    with drafts(target.parent) as made:
        draft = Draft(target.parent, ".png.tmp")
        made.append(draft)
        draft.write(buffer.getvalue())
        draft.keep(target)
    sync_folder(target.parent)
