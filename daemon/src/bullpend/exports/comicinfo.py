"""`ComicInfo.xml`: what a comic reader shows of a book. Version 2.0 of the schema, whose elements have a fixed order
(https://github.com/anansi-project/comicinfo, drafts/v2.0/ComicInfo.xsd). Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as Xml

NAME = "ComicInfo.xml"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
# What XML 1.0 cannot hold at all.
_UNFIT = {code: None for code in (*range(0x20), 0xFFFE, 0xFFFF) if code not in (0x9, 0xA, 0xD)}


@dataclass(frozen=True, slots=True)
class BookPage:
    """One page of the archive: size of its file in bytes, its pixels, and the scene that begins on it, if one does."""

    size_bytes: int
    width: int
    height: int
    bookmark: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """What is told of a book."""

    title: str
    series: str
    summary: str
    characters: Sequence[str]
    pages: Sequence[BookPage]
    right_to_left: bool = False


def render(book: Book) -> bytes:
    """The file, in UTF-8; the same book gives the same bytes."""
    root = Xml.Element("ComicInfo", {"xmlns:xsi": _XSI})
    for name, text in (
        ("Title", book.title),
        ("Series", book.series),
        ("Summary", book.summary),
        ("PageCount", str(len(book.pages))),
        ("Manga", "YesAndRightToLeft" if book.right_to_left else ""),
        # The schema separates names by commas.
        ("Characters", ", ".join(name.replace(",", " ") for name in book.characters)),
    ):
        if text:
            Xml.SubElement(root, name).text = text.translate(_UNFIT)
    pages = Xml.SubElement(root, "Pages")
    for number, page in enumerate(book.pages):
        said = {"Image": str(number), "Type": "Story", "ImageSize": str(page.size_bytes)}
        if page.bookmark:
            said["Bookmark"] = page.bookmark.translate(_UNFIT)
        said |= {"ImageWidth": str(page.width), "ImageHeight": str(page.height)}
        Xml.SubElement(pages, "Page", said)
    Xml.indent(root)
    made: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return made + b"\n"
