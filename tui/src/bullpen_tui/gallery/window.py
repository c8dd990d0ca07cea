"""A window into the pictures of a project: the pages in view of a list that may have a million. Pure.

The daemon searches; here are only the pages that it gave last, each with the journal's revision that it is of. What
happens to pictures changes those that are here, and makes pages old that may have moved: they stay in view until they
are read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from bullpen_api.v1 import asset_pb2, event_pb2

PAGE = 100
"""Pictures of a page."""
PAGES_KEPT = 8
VERDICTS = frozenset({"candidate.accepted", "candidate.released"})
"""Events by which pictures beside the one that they tell of have another verdict."""


@dataclass(frozen=True)
class Look:
    """What is looked at: a project's pictures that a search finds, or its trash."""

    project: str = ""
    search: str = ""
    in_trash: bool = False


@dataclass(frozen=True)
class Page:
    """A page as it was at a revision."""

    assets: tuple[asset_pb2.Asset, ...]
    revision: int


@dataclass(frozen=True)
class Slip:
    """Why a search is none, and where: `column` counts from 1."""

    words: str
    column: int
    length: int


@dataclass(frozen=True)
class Window:
    """What is known of what is looked at."""

    look: Look = Look()
    pages: Mapping[int, Page] = field(default_factory=dict)
    total: int = 0
    """How many there are, as far as it is known."""
    counted: int = -1
    """The revision that `total` and `facets` are of; -1 while they were not told."""
    facets: tuple[asset_pb2.AssetFacet, ...] = ()
    moved: int = 0
    """The revision of the last change by which pictures may have come, gone or moved."""
    slip: Slip | None = None
    """What is wrong with the search that was written last; the window still shows the one before."""
    refused: Look | None = None
    """What was looked for with that slip: it is not asked again."""

    @property
    def known(self) -> bool:
        """Whether anything was read."""
        return bool(self.pages)

    @cached_property
    def places(self) -> dict[str, int]:
        """Where the pictures are that are here, by their names."""
        return {
            asset.name: number * PAGE + at
            for number, page in self.pages.items()
            for at, asset in enumerate(page.assets)
        }

    def get(self, index: int) -> asset_pb2.Asset | None:
        """A picture by its place, if it is here."""
        page = self.pages.get(index // PAGE)
        at = index % PAGE
        return page.assets[at] if page is not None and at < len(page.assets) else None

    def named(self, name: str) -> asset_pb2.Asset | None:
        """A picture by its name, if it is here."""
        place = self.places.get(name)
        return self.get(place) if place is not None else None

    def wanted(self, indices: Iterable[int]) -> list[int]:
        """Numbers of the pages with these places that are not here, or old."""
        numbers = dict.fromkeys(index // PAGE for index in indices if 0 <= index < max(self.total, 1))
        return [n for n in numbers if n not in self.pages or self.pages[n].revision < self.moved]


@dataclass(frozen=True)
class Paged:
    """A page was read. `more` says that others come after it."""

    look: Look
    number: int
    assets: tuple[asset_pb2.Asset, ...]
    more: bool
    revision: int


@dataclass(frozen=True)
class Summed:
    """The whole was counted."""

    look: Look
    total: int
    facets: tuple[asset_pb2.AssetFacet, ...]
    revision: int


@dataclass(frozen=True)
class Slipped:
    """A search was refused."""

    look: Look
    slip: Slip


GalleryChange = Paged | Summed | Slipped


def apply(window: Window, change: GalleryChange) -> Window:
    """Gives the window after a change. An answer to another question begins another window."""
    if isinstance(change, Slipped):
        return replace(window, slip=change.slip, refused=change.look)
    if change.look != window.look:
        if isinstance(change, Summed):
            return window  # its first page is still to come, and then it is counted again
        window = Window(change.look, moved=window.moved)
    if isinstance(change, Summed):
        if change.revision < window.counted:
            return window
        return replace(window, total=change.total, facets=change.facets, counted=change.revision)
    return _paged(window, change)


def _paged(window: Window, change: Paged) -> Window:
    known = window.pages.get(change.number)
    if known is not None and known.revision > change.revision:
        return window
    pages = {**window.pages, change.number: Page(change.assets, change.revision)}
    if len(pages) > PAGES_KEPT:
        near = sorted(pages, key=lambda number: abs(number - change.number))[:PAGES_KEPT]
        pages = {number: pages[number] for number in near}
    end = change.number * PAGE + len(change.assets)
    total = max(window.total, end + change.more)
    if not change.more and change.assets:
        total = end
    elif not change.assets:
        total = min(window.total, end) if change.number else 0
    return replace(window, pages=pages, total=total, slip=None, refused=None)


def seen(window: Window, asset: asset_pb2.Asset) -> Window:
    """The window with a picture as it became, where it is here."""
    place = window.places.get(asset.name)
    if place is None:
        return window
    number, at = divmod(place, PAGE)
    page = window.pages[number]
    if page.assets[at].revision >= asset.revision:
        return window
    assets = (*page.assets[:at], asset, *page.assets[at + 1 :])
    return replace(window, pages={**window.pages, number: replace(page, assets=assets)})


def happened(window: Window, event: event_pb2.Event) -> Window:
    """The window after an event: a picture that is here is as it became, and the order may be another.

    What was accepted, and what no longer is, is told by the candidate.
    """
    if event.kind in VERDICTS and event.candidate.name.startswith(window.look.project + "/"):
        return replace(window, moved=max(window.moved, event.revision))
    if event.asset.name.split("/assets/")[0] != window.look.project:
        return window
    window = seen(window, event.asset)
    stays = event.kind == "asset.updated" and not window.look.search
    return window if stays or event.revision <= window.moved else replace(window, moved=event.revision)
