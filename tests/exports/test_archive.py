"""Archives and their seals: the same parts give the same bytes, and whatever byte is changed afterwards is noticed."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from bullpend.errors import ContentLost
from bullpend.exports import archive, binding, checking, comicinfo, manifest, seal
from bullpend.exports.archive import Entry, Stopped
from bullpend.exports.model import Format, Layout, Wish

from tests.exports.pages import content

WISH = Wish(Format.BUNDLE)


def bundle(path: Path, *more: Entry) -> list[Entry]:
    """Writes a small sealed archive with a manifest; gives its parts."""
    parts = [Entry.of("provenance.json", b"{}\n"), Entry.of("pictures/0001-s1.png", bytes(range(200))), *more]
    parts = [Entry.of(manifest.NAME, manifest.manifest(WISH, content(1), parts)), *parts]
    archive.write(path, parts, lambda _: None)
    return parts


def test_the_same_parts_give_the_same_bytes_at_any_time(tmp_path: Path) -> None:
    """Nothing of the moment, the place or the name of the file is inside; parts are stored in their order."""
    parts = bundle(tmp_path / "a.zip")
    bundle(tmp_path / "elsewhere.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "elsewhere.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as read:
        assert read.namelist() == [part.name for part in parts]
        assert {info.compress_type for info in read.infolist()} == {zipfile.ZIP_STORED}
        assert {info.date_time for info in read.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert read.testzip() is None


def test_a_changed_byte_is_noticed_and_the_part_that_it_belongs_to_is_named(tmp_path: Path) -> None:
    """Across a whole archive, and each byte of the list at its end; one of a picture's content names that picture."""
    path = tmp_path / "a.zip"
    bundle(path)
    good = path.read_bytes()
    assert checking.check(path) == checking.Checked(len(good), seal.read(path).sha256, 3)
    inside = range(good.index(bytes(range(200))), good.index(bytes(range(200))) + 200)
    for place in sorted({*range(0, len(good), 13), *range(len(good) - 130, len(good))}):
        spoiled = bytearray(good)
        spoiled[place] ^= 0x10
        path.write_bytes(spoiled)
        found = checking.check(path)
        assert not found.sound, f"byte {place} was changed unnoticed"
        assert found.difference
        if place in inside:
            assert found.difference == "pictures/0001-s1.png"


def test_the_first_part_that_differs_is_named(tmp_path: Path) -> None:
    """Missing, replaced, added, doubled, cut off, or no export at all; the words say which."""
    path = tmp_path / "a.zip"
    parts = bundle(path)
    other = Entry.of("pictures/0001-s1.png", b"another picture")
    for changed, name, word in (
        ([parts[0], parts[2]], "provenance.json", "missing"),
        ([*parts[:2], other], "pictures/0001-s1.png", "not what was written"),
        ([*parts, Entry.of("readme.txt", b"hello")], "readme.txt", "added"),
        (parts[1:], "manifest.json", "missing"),
        ([Entry.of("manifest.json", b'{"schema": "other"}'), *parts[1:]], "manifest.json", "damaged"),
    ):
        path.unlink()
        archive.write(path, changed, lambda _: None)
        found = checking.check(path)
        assert (found.difference, found.sound) == (name, False)
        assert word in found.problem
    path.unlink()
    bundle(path)
    whole = path.read_bytes()
    for cut in (len(whole) - 1, len(whole) // 2, 10, 0):
        path.write_bytes(whole[:cut])
        assert not checking.check(path).sound
    path.write_bytes(b"%PDF-1.4\nof another program\n%%EOF\n")
    assert "no seal" in checking.check(path).problem


def test_a_part_that_is_not_what_its_hash_says_stops_the_writing(tmp_path: Path) -> None:
    """Changed, shorter, longer or gone: the asset is named."""
    stored = tmp_path / "stored.png"
    stored.write_bytes(b"as it was")
    entry = Entry("p.png", stored, 9, Entry.of("", b"as it was").sha256, "projects/p/assets/a")
    archive.write(tmp_path / "good.zip", [entry], lambda _: None)
    for number, spoiled in enumerate((b"as it is!", b"as", b"as it was and more", None)):
        stored.unlink()
        if spoiled is not None:
            stored.write_bytes(spoiled)
        with pytest.raises(ContentLost, match="projects/p/assets/a"):
            archive.write(tmp_path / f"{number}.zip", [entry], lambda _: None)
        stored.touch()


def test_writing_ends_where_nobody_wants_it_any_more(tmp_path: Path) -> None:
    """What counts the bytes may stop it between two parts."""

    def stop(_: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        archive.write(tmp_path / "a.zip", [Entry.of("a", b"x")], stop)


def test_a_seal_behind_a_pdf_is_a_comment(tmp_path: Path) -> None:
    """It lies behind the end mark, on a line that readers pass over, and covers what is before it."""
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.4\n%%EOF\n")
    seal.append(path)
    seal.close(path)
    assert path.read_bytes().splitlines()[-1].startswith(b"%bullpen-export/1 sha256=")
    assert checking.check(path).sound
    good = path.read_bytes()
    for place in range(0, len(good), 3):
        spoiled = bytearray(good)
        spoiled[place] ^= 1
        (tmp_path / "b.pdf").write_bytes(spoiled)
        assert not checking.check(tmp_path / "b.pdf").sound, place


def test_comic_info_holds_any_text_and_counts_its_pages() -> None:
    """Angle brackets, signs that XML cannot hold, commas in names; empty fields are left out."""
    page = comicinfo.BookPage(10, 4, 3, "A & B")
    made = comicinfo.render(comicinfo.Book("<T>\x0b", "S", "", ["Mara, keeper"], [page, page], right_to_left=True))
    text = made.decode()
    assert "<Title>&lt;T&gt;</Title>" in text
    assert "<Characters>Mara  keeper</Characters>" in text
    assert "<PageCount>2</PageCount>" in text
    assert "<Manga>YesAndRightToLeft</Manga>" in text
    assert "Summary" not in text
    order = [text.index(f"<{name}>") for name in ("Title", "Series", "PageCount", "Manga", "Characters", "Pages")]
    assert order == sorted(order)
    assert text.count('Bookmark="A &amp; B"') == 2


def test_pages_of_a_layout_share_what_is_told_of_them() -> None:
    """A page of several panels lists the pictures on it; the cast is that of all pages, each once."""
    found = content(3)
    wish = Wish(Format.CBZ, layout=Layout(2, 1, 1000, 500, 0, 0))
    pages = binding.pages_of(found, wish)
    assert binding.page_count(found, wish) == len(pages) == 2
    leaves = [
        binding.Leaf(Entry.of(f"{n}.png", b"x"), 1000, 500, tuple(one for one, _ in page.pictures))
        for n, page in enumerate(pages)
    ]
    parts = {part.name: part.content for part in binding.comic(found, wish, leaves) if isinstance(part.content, bytes)}
    listed = json.loads(parts[manifest.NAME])
    assert [[one["scene"][-2:] for one in page["pictures"]] for page in listed["pages"]] == [["s1", "s2"], ["s3"]]
    assert b"<Characters>Mara  the keeper</Characters>" in parts[comicinfo.NAME]
