"""Pages of a book as a PDF, by ReportLab: pictures without loss, words as words.

A module of its own because importing the library takes longer than drawing a small book. Words are set in Bitstream
Vera, which comes with the library and is embedded; letters that it lacks in fonts of the machine (`book_fonts`).
"""

from __future__ import annotations

from pathlib import Path

from bullpen_api.worker.v1 import link_pb2
from PIL import Image
from reportlab import rl_config
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from bullpen_worker.ops.book import ACCENT, STEP, checked_picture
from bullpen_worker.ops.book_fonts import Fonts, width_of
from bullpen_worker.ops.chain import Follow
from bullpen_worker.ops.fit import fitted_size

_INK, _QUIET = (0.15, 0.15, 0.17), (0.48, 0.47, 0.45)
_FRAME = 1.2
# Pictures as bytes, not as text that is a quarter longer.
rl_config.useA85 = 0


def write_pdf(task: link_pb2.DrawBook, max_pixels: int, follow: Follow) -> str:
    """Writes the file that the task names; returns the letters that could not be set. Raises as `draw_book` does."""
    fonts = Fonts()
    canvas = Canvas(task.pdf_path, pageCompression=1, invariant=1)
    canvas.setTitle(task.title)
    canvas.setCreator("Bullpen")
    for say in (canvas.setAuthor, canvas.setSubject, canvas.setKeywords):
        say("")
    for number, page in enumerate(task.pages):
        follow(STEP, number / len(task.pages))
        canvas.setPageSize((page.width, page.height))
        for placed in page.pictures:
            _draw_picture(canvas, page, placed, max_pixels)
        for text in page.texts:
            _draw_text(canvas, page, text, fonts)
        canvas.showPage()
    data: bytes = canvas.getpdfdata()
    Path(task.pdf_path).write_bytes(data)
    return "".join(fonts.missing)


def _draw_picture(canvas: Canvas, page: link_pb2.BookPage, placed: link_pb2.PlacedPicture, max_pixels: int) -> None:
    picture = checked_picture(placed, max_pixels)
    if 0 < placed.most_side < max(picture.size):
        picture = picture.resize(
            fitted_size(*picture.size, placed.most_side, placed.most_side), Image.Resampling.LANCZOS
        )
    scale = min(placed.width / picture.width, placed.height / picture.height)
    width, height = picture.width * scale, picture.height * scale
    left = placed.left + (placed.width - width) / 2
    # A PDF counts from the lower left corner.
    bottom = page.height - placed.top - (placed.height + height) / 2
    canvas.drawImage(ImageReader(picture), left, bottom, width, height)
    if placed.marked:
        canvas.setStrokeColorRGB(*(part / 255 for part in ACCENT))
        canvas.setLineWidth(_FRAME)
        canvas.rect(left - _FRAME, bottom - _FRAME, width + 2 * _FRAME, height + 2 * _FRAME)


def _draw_text(canvas: Canvas, page: link_pb2.BookPage, text: link_pb2.PlacedText, fonts: Fonts) -> None:
    canvas.setFillColorRGB(*(_QUIET if text.quiet else _INK))
    left = text.left
    for font, piece in shortened(text.text, fonts, text.bold, text.size, text.width):
        canvas.setFont(font, text.size)
        canvas.drawString(left, page.height - text.baseline, piece)
        left += width_of([(font, piece)], text.size)


def shortened(text: str, fonts: Fonts, bold: bool, size: float, width: float) -> list[tuple[str, str]]:
    """The text in pieces with their fonts, or as much of its beginning as fits with an ellipsis."""
    pieces = fonts.pieces(text, bold)
    if width_of(pieces, size) <= width:
        return pieces
    whole = "".join(piece for _, piece in pieces)
    while whole and width_of(pieces, size) > width:
        whole = whole[:-1]
        pieces = fonts.pieces(f"{whole.rstrip()}…", bold)
    return pieces
