"""What the post worker draws: pictures where the layout puts them, the same bytes each time, and nothing half done."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import reportlab
from bullpen_api.worker.v1 import link_pb2
from bullpen_worker.failures import WorkerError
from bullpen_worker.ops import book_fonts
from bullpen_worker.ops.book import draw_book
from bullpen_worker.ops.book_pdf import shortened
from PIL import Image

from tests.support.pictures import write_picture

LIMIT = 1_000_000


def quiet(step: str, share: float) -> None:
    """Nobody follows."""


def placed(path: Path, left: float, top: float, width: float, height: float, **more: Any) -> link_pb2.PlacedPicture:
    """A picture in its box."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return link_pb2.PlacedPicture(path=str(path), sha256=digest, left=left, top=top, width=width, height=height, **more)


def book(folder: Path, pdf: str = "", out: str = "") -> link_pb2.DrawBook:
    """A page with two pictures and a line of words."""
    wide = write_picture(folder / "wide.png", 1, 80, 40)
    small = write_picture(folder / "small.png", 2, 10, 10)
    page = link_pb2.BookPage(
        out_path=str(folder / out) if out else "",
        width=200,
        height=300,
        pictures=[placed(wide, 20, 20, 160, 120), placed(small, 20, 160, 160, 120, most_side=5, marked=True)],
        texts=[link_pb2.PlacedText(text="Ein sehr langer Titel für das Bild", left=20, baseline=290, width=60, size=9)],
    )
    return link_pb2.DrawBook(pages=[page], pdf_path=str(folder / pdf) if pdf else "", title="The Lamp")


def test_panels_lie_in_their_boxes_on_white_paper(tmp_path: Path) -> None:
    """As large as fits, in the middle, all around it is white; a small picture keeps its hard pixels."""
    (drawn,) = draw_book(book(tmp_path, out="page.png"), LIMIT, quiet).files
    data = Path(drawn.path).read_bytes()
    assert (drawn.sha256, drawn.size_bytes) == (hashlib.sha256(data).hexdigest(), len(data))
    page, wide = Image.open(drawn.path), Image.open(tmp_path / "wide.png")
    assert page.size == (200, 300)
    # 80×40 in 160×120 is 160×80, twenty pixels below the box's upper edge.
    scaled = wide.resize((160, 80), Image.Resampling.LANCZOS)
    assert page.crop((20, 40, 180, 120)).tobytes() == scaled.tobytes()
    for place in ((100, 38), (100, 122), (18, 80), (182, 80), (5, 5)):
        assert page.getpixel(place) == (255, 255, 255)
    hard = Image.open(tmp_path / "small.png").resize((120, 120), Image.Resampling.NEAREST)
    assert page.getpixel((100, 220)) == hard.getpixel((60, 60))


def test_a_pdf_is_the_same_whenever_it_is_drawn(tmp_path: Path) -> None:
    """No time and no random id is in it; title and words are."""
    first, second = (
        Path(draw_book(book(tmp_path, pdf=name), LIMIT, quiet).files[0].path).read_bytes() for name in ("a", "b")
    )
    assert first == second
    assert first.startswith(b"%PDF-")
    assert b"The Lamp" in first
    assert b"/CreationDate (D:2000" in first


def test_a_picture_that_is_another_one_by_now_is_refused(tmp_path: Path) -> None:
    """By its hash, and gone as well; nothing is left of the book."""
    for spoil in (lambda path: path.write_bytes(b"x"), Path.unlink):
        for more in ({"pdf": "a.pdf"}, {"out": "a.png"}):
            task = book(tmp_path, **more)
            spoil(tmp_path / "small.png")
            with pytest.raises(WorkerError, match=r"small\.png") as refused:
                draw_book(task, LIMIT, quiet)
            assert refused.value.reason == "CONTENT_LOST"
            assert sorted(path.name for path in tmp_path.glob("a.*")) == []


def test_a_book_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    """It looks up before each page; pages that were drawn are gone as well."""
    task = book(tmp_path, out="a.png")
    task.pages.add().CopyFrom(task.pages[0])
    task.pages[1].out_path = str(tmp_path / "b.png")
    seen = []

    def stop(step: str, share: float) -> None:
        seen.append((step, share))
        if share:
            raise WorkerError("STATE_CONFLICT", "It was stopped.")

    with pytest.raises(WorkerError):
        draw_book(task, LIMIT, stop)
    assert seen == [("drawing", 0.0), ("drawing", 0.5)]
    assert list(tmp_path.glob("?.png")) == []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine whose only folder of fonts is this one; it has Khmer letters under the name of a general font."""
    folder = tmp_path / "fonts"
    folder.mkdir()
    shutil.copy(Path(reportlab.__file__).parent / "fonts" / "hb-test.ttf", folder / "DejaVuSans.ttf")
    monkeypatch.setattr(book_fonts, "folders", lambda: [folder])
    caches = (book_fonts._other, book_fonts._opened)
    for one in caches:
        one.cache_clear()
    yield folder
    for one in caches:
        one.cache_clear()


def test_letters_that_no_font_has_are_told(tmp_path: Path, machine: Path) -> None:
    """Each once, a question mark stands for it; what joins or turns its letters is told even where a font has it."""
    task = book(tmp_path, pdf="a.pdf")
    task.pages[0].texts[0].text, task.pages[0].texts[0].width = "Ночь 灯 مصباح ឆ lamp Ночь", 500
    drawn = draw_book(task, LIMIT, quiet)
    assert drawn.missing_letters == "Ночь灯مصباحឆ"
    assert draw_book(book(tmp_path, pdf="b.pdf"), LIMIT, quiet).missing_letters == ""
    fonts = book_fonts.Fonts()
    assert fonts.pieces("a Ж  b", bold=False) == [("Vera", "a ? b")]
    assert fonts.pieces("Жж", bold=True) == [("VeraBd", "??")]


def test_letters_are_set_in_a_font_of_the_machine(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those that our own font lacks; what is too long is cut where it ends, in whatever font."""
    monkeypatch.setattr(book_fonts, "_JOINED", ("NO SUCH SCRIPT",))
    (machine / "Arial.ttf").write_bytes(b"no font")
    fonts = book_fonts.Fonts()
    pieces = fonts.pieces("lamp ឆន!", bold=False)
    assert pieces == [("Vera", "lamp "), ("machine-DejaVuSans", "ឆន"), ("Vera", "!")]
    assert not fonts.missing
    assert shortened("lamp ឆន!", fonts, False, 10, 1000) == pieces
    short = shortened("lamp ឆន!", fonts, False, 10, book_fonts.width_of(pieces, 10) - 1)
    assert short[-1][1].endswith("…")
    assert book_fonts.width_of(short, 10) < book_fonts.width_of(pieces, 10)
