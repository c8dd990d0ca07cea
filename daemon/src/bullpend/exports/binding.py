"""What goes into each kind of file: the parts of an archive in their order, and the pages that a post worker draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bullpen_api.worker.v1 import link_pb2

from bullpend.assets.files import EXTENSIONS, Files
from bullpend.exports import comicinfo, layout, manifest, rules
from bullpend.exports.archive import Entry
from bullpend.exports.layout import SHEET_SIDE, Page
from bullpend.exports.model import Content, Format, Picture, Wish

ARCHIVES = (Format.BUNDLE, Format.CBZ)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A page of a comic book: its file, its size in pixels, and the pictures on it."""

    entry: Entry
    width: int
    height: int
    pictures: tuple[Picture, ...]


def pages_of(content: Content, wish: Wish) -> list[Page]:
    """The pages that are to be drawn; none where pictures go into an archive as they are."""
    title = wish.title or content.title
    match wish.format:
        case Format.CBZ:
            return layout.laid_out(content.pictures, wish.layout) if wish.layout else []
        case Format.PDF_PAGES:
            if wish.layout is None:
                return layout.one_a_page(content.pictures)
            return [layout.printed(page) for page in layout.laid_out(content.pictures, wish.layout)]
        case Format.PDF_CONTACT_SHEET:
            return layout.contact_sheet(content, title, _shown(wish))
    return []


def page_count(content: Content, wish: Wish) -> int:
    """Pages of a comic book or PDF; none in a bundle."""
    if wish.format is Format.BUNDLE:
        return 0
    return len(pages_of(content, wish)) or len(content.pictures)


def _shown(wish: Wish) -> str:
    """What a contact sheet shows, in words."""
    what = "finished pictures" if wish.finished else "accepted pictures"
    if wish.all_candidates:
        what = "all candidates"
    return f"{what} of the stage {wish.stage}" if wish.stage else what


def task_of(pages: Sequence[Page], files: Files, project: str, *, title: str, wanted: Format) -> link_pb2.DrawBook:
    """What a post worker is to draw; where it goes is for the caller to say."""
    small = SHEET_SIDE if wanted is Format.PDF_CONTACT_SHEET else 0
    book = link_pb2.DrawBook(title=title)
    for page in pages:
        drawn = book.pages.add(width=page.width, height=page.height)
        for picture, box in page.pictures:
            drawn.pictures.add(
                path=str(files.content(project, picture.sha256, picture.mime_type)),
                sha256=picture.sha256,
                left=box.left,
                top=box.top,
                width=box.width,
                height=box.height,
                most_side=small,
                marked=bool(small) and picture.accepted and len(page.pictures) > 1,
            )
        for text in page.texts:
            drawn.texts.add(
                text=text.text,
                left=text.left,
                baseline=text.baseline,
                width=text.width,
                size=text.size,
                bold=text.bold,
                quiet=text.quiet,
            )
    return book


def bundle(
    content: Content, wish: Wish, files: Files, universe: Mapping[str, object], logs: Mapping[str, bytes]
) -> list[Entry]:
    """The parts of a bundle: the manifest, provenance, the universe, run logs, pictures."""
    names = _names(content)
    parts = [
        Entry.of(manifest.PROVENANCE, manifest.provenance(content, names)),
        Entry.of("project.json", manifest.encoded(universe)),
        *(Entry.of(f"runs/{slug}.json", text) for slug, text in sorted(logs.items())),
        *(_stored(files, content.project, names[manifest.key_of(picture)], picture) for picture in content.all),
    ]
    return [Entry.of(manifest.NAME, manifest.manifest(wish, content, parts)), *parts]


def leaves(content: Content, files: Files) -> list[Leaf]:
    """Each picture as a page of its own, as it is."""
    return [
        Leaf(
            _stored(files, content.project, f"{number}-{_slug(picture)}{EXTENSIONS[picture.mime_type]}", picture),
            picture.width,
            picture.height,
            (picture,),
        )
        for number, picture in zip(rules.numbered(len(content.pictures)), content.pictures, strict=True)
    ]


def comic(content: Content, wish: Wish, pages: Sequence[Leaf]) -> list[Entry]:
    """The parts of a comic book archive: what a reader shows of it, pages in their order, and the manifest."""
    shown = [
        comicinfo.BookPage(leaf.entry.size, leaf.width, leaf.height, leaf.pictures[0].title or _slug(leaf.pictures[0]))
        for leaf in pages
    ]
    named = dict.fromkeys(character for leaf in pages for picture in leaf.pictures for character in picture.characters)
    book = comicinfo.Book(
        title=wish.title or content.title,
        series=wish.series or content.title,
        summary=content.story,
        characters=[content.cast[slug] for slug in named if slug in content.cast],
        pages=shown,
        right_to_left=wish.layout is not None and wish.layout.right_to_left,
    )
    parts = [Entry.of(comicinfo.NAME, comicinfo.render(book)), *(leaf.entry for leaf in pages)]
    told = {leaf.entry.name: leaf.pictures for leaf in pages}
    return [*parts, Entry.of(manifest.NAME, manifest.manifest(wish, content, parts, told))]


def _names(content: Content) -> dict[str, str]:
    """The name of each picture in a bundle: pages in their order, other candidates by scene."""
    found = {}
    for number, picture in zip(rules.numbered(len(content.pictures)), content.pictures, strict=True):
        found[manifest.key_of(picture)] = f"pictures/{number}-{_slug(picture)}{EXTENSIONS[picture.mime_type]}"
    for picture in content.candidates:
        parts = picture.candidate.split("/")
        file = "-".join(parts[index] for index in (3, 5, 7)) + EXTENSIONS[picture.mime_type]
        found[manifest.key_of(picture)] = f"candidates/{_slug(picture)}/{file}"
    return found


def _slug(picture: Picture) -> str:
    return picture.scene.rpartition("/")[2]


def _stored(files: Files, project: str, name: str, picture: Picture) -> Entry:
    path = files.content(project, picture.sha256, picture.mime_type)
    return Entry(name, path, picture.size_bytes, picture.sha256, picture.asset)
