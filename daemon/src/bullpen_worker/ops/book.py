"""Pages of a book: pictures in boxes on white paper, as PNGs of their own or all in one PDF.

The same pages give the same bytes: nothing here tells the time, and the PDF has no id of its own.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from bullpen_api.worker.v1 import link_pb2
from PIL import Image, ImageDraw

from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.chain import Follow
from bullpen_worker.ops.fit import fitted_size
from bullpen_worker.ops.picture import open_picture
from bullpen_worker.ops.store import digest

PAPER = (255, 255, 255)
ACCENT = (214, 106, 40)
FRAME = 3
# A picture that is enlarged at least so often is shown with the hard pixels that it has.
_HARD = 3
STEP = "drawing"


def draw_book(task: link_pb2.DrawBook, max_pixels: int, follow: Follow) -> link_pb2.BookDrawn:
    """Draws all pages; files that it began are gone where it fails or is stopped.

    Raises WorkerError CONTENT_LOST, PICTURE_UNREADABLE, PICTURE_TOO_LARGE; DISK_FULL by way of OSError.
    """
    missing = ""
    made = [Path(task.pdf_path)] if task.pdf_path else [Path(page.out_path) for page in task.pages]
    try:
        if task.pdf_path:
            from bullpen_worker.ops.book_pdf import write_pdf

            missing = write_pdf(task, max_pixels, follow)
        else:
            for number, page in enumerate(task.pages):
                follow(STEP, number / len(task.pages))
                _write_page(page, max_pixels)
    except BaseException:
        for path in made:
            path.unlink(missing_ok=True)
        raise
    follow(STEP, 1.0)
    return link_pb2.BookDrawn(files=[_told(path) for path in made], missing_letters=missing)


def checked_picture(placed: link_pb2.PlacedPicture, max_pixels: int) -> Image.Image:
    """The picture as RGB, transparency laid on white. Raises WorkerError where it is not what its hash says."""
    try:
        with Path(placed.path).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _lost(placed, f"cannot be read: {error.strerror}") from error
    if found != placed.sha256:
        raise _lost(placed, "is not what its hash says")
    return open_picture(placed.path, max_pixels)


def _lost(placed: link_pb2.PlacedPicture, what: str) -> WorkerError:
    return WorkerError(
        "CONTENT_LOST",
        f"The file {placed.path} {what}.",
        "Restore the file from a copy, accept another candidate of the scene, or leave the scene out.",
    )


def scaled_into(picture: Image.Image, width: int, height: int) -> Image.Image:
    """The picture as large as fits into a box; very small ones keep their hard pixels."""
    size = fitted_size(picture.width, picture.height, width, height)
    if size == picture.size:
        return picture
    hard = size[0] >= picture.width * _HARD
    return picture.resize(size, Image.Resampling.NEAREST if hard else Image.Resampling.LANCZOS)


def _write_page(page: link_pb2.BookPage, max_pixels: int) -> None:
    sheet = Image.new("RGB", (round(page.width), round(page.height)), PAPER)
    draw = ImageDraw.Draw(sheet)
    for placed in page.pictures:
        width, height = round(placed.width), round(placed.height)
        picture = scaled_into(checked_picture(placed, max_pixels), width, height)
        left = round(placed.left) + (width - picture.width) // 2
        top = round(placed.top) + (height - picture.height) // 2
        sheet.paste(picture, (left, top))
        if placed.marked:
            box = (left - FRAME, top - FRAME, left + picture.width + FRAME - 1, top + picture.height + FRAME - 1)
            draw.rectangle(box, outline=ACCENT, width=FRAME)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", compress_level=6)
    Path(page.out_path).write_bytes(buffer.getvalue())


def _told(path: Path) -> link_pb2.DrawnFile:
    data = path.read_bytes()
    return link_pb2.DrawnFile(path=str(path), sha256=digest(data), size_bytes=len(data))
