"""Answers searches: terms become sets of bits, which are intersected, counted and walked.

Facts come as stored sets. Words are asked of FTS5: for a page its newest finds are read until the page is full, which
for words that many assets have is soon; where that would take long, or a whole count is wanted, all finds become a set
too, and the sets of the words that were asked for last are kept (`Kept`), so that further pages cost nothing.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from threading import Lock
from typing import Final, NamedTuple

from bullpend.assets import bits
from bullpend.assets.facts import ALL, PURGED, TRASH, folded
from bullpend.assets.terms import Either, Fact, Span, Term, Words
from bullpend.db.database import Value, View

SETS_KEPT: Final = 32
FIRST_READ: Final = 256
"""Finds that are read at first for a page of words."""
READ_AT_MOST: Final = 30_000
"""Finds that are read one by one, before it is cheaper to make them a set."""
PROBED_AT_MOST: Final = 1000
"""Assets with the facts of a search that are asked for its words one by one; more are intersected."""
FEW_BLOCKS: Final = 32
"""Stored blocks of a fact up to which they are joined one by one."""
FACETS: Final = ("character", "stage", "model", "tag", "kind")
COUNTED: Final = (*FACETS, "scene", "run", "licence", "rating", "date", "is")
VALUES_TOLD: Final = 50
_IN_BIBLE: Final = {"character": "characters", "scene": "scenes"}
"""Fields whose values the bible gives titles, and pictures of its own."""


class Key(NamedTuple):
    """What a set of words is kept under: the expression, and how often words had been changed then."""

    expression: str
    edits: int


class Kept:
    """The sets of the words that were asked for last; shared by all threads that read."""

    def __init__(self) -> None:
        self._sets: OrderedDict[Key, tuple[int, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Key) -> tuple[int, int] | None:
        """The set, and the largest id that it knows of."""
        with self._lock:
            if (found := self._sets.get(key)) is not None:
                self._sets.move_to_end(key)
            return found

    def put(self, key: Key, found: int, top: int) -> None:
        """Keeps a set; the one that was not asked for longest goes."""
        with self._lock:
            self._sets[key] = (found, top)
            self._sets.move_to_end(key)
            while len(self._sets) > SETS_KEPT:
                self._sets.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is looked for in a project: kinds (none: all), terms, and whether in the trash."""

    project: str
    terms: tuple[Term, ...] = ()
    kinds: tuple[str, ...] = ()
    in_trash: bool = False


class Search:
    """One search over one consistent view of the database."""

    def __init__(self, view: View, kept: Kept, wish: Wish) -> None:
        self._view = view
        self._kept = kept
        self._project = wish.project
        row = view.one("SELECT sealed, edits, (SELECT coalesce(max(id), 0) FROM assets) AS top FROM asset_index")
        assert row is not None
        self._edits, self._top, self._sealed = int(row["edits"]), int(row["top"]), int(row["sealed"])
        # Of the block that still grows; the sign keeps SQLite from walking the whole project by its other index.
        sql = "SELECT id, facts FROM assets WHERE id >= ? AND +project = ?"
        self._tail: list[tuple[int, str]] = list(view.tuples(sql, self._sealed, wish.project))
        self._words = _expression([one for one in wish.terms if _in_words(one)])
        self._base = self._having(wish)

    # --- the whole ---------------------------------------------------------------------------------------------------

    def count(self) -> int:
        """How many there are."""
        return self.whole.bit_count()

    def page(self, limit: int, *, before: int | None = None, skip: int = 0, from_end: bool = False) -> list[int]:
        """Ids, the newest first: after `skip`, older than the id `before`, or the last ones."""
        if self._words and not skip and not self._sparse and self._known() is None:
            found = self._streamed(limit, before, from_end)
            if found is not None:
                return found
        whole = self.whole
        if from_end:
            return bits.from_bottom(whole, limit)
        return bits.from_top(whole if before is None else bits.below(whole, before), skip, limit)

    def facet(self, field: str) -> list[tuple[str, int]]:
        """Values of a field among the finds with how many have each: the most frequent ones."""
        whole = self.whole
        sql = "SELECT id, value FROM asset_facts WHERE project = ? AND field = ?"
        values: dict[int, str] = dict(self._view.tuples(sql, self._project, field))
        counts = dict.fromkeys(values, 0)
        length = self._top // bits.BLOCK + 1
        stored = whole.to_bytes(length * bits.BLOCK // 8, "little")
        blocks = [stored[at : at + bits.BLOCK // 8] for at in range(0, len(stored), bits.BLOCK // 8)]
        numbers = [int.from_bytes(one, "little") for one in blocks]
        for fact, number, first, block in self._blocks(list(values)):
            counts[fact] += (bits.unpack(first, block) & numbers[number]).bit_count()
        for row_id, facts in self._tail:
            if stored[row_id >> 3] & (1 << (row_id & 7)):
                for fact in map(int, facts.split()):
                    if fact in counts:
                        counts[fact] += 1
        found = sorted(((values[fact], count) for fact, count in counts.items() if count), key=lambda one: one[0])
        return sorted(found, key=lambda one: -one[1])[:VALUES_TOLD]

    @cached_property
    def whole(self) -> int:
        """All that was found."""
        if not self._words:
            return self._base
        if self._sparse and self._known() is None:
            return bits.of_ids(one for one in bits.from_top(self._base, 0, PROBED_AT_MOST) if self._has_words(one))
        return self._base & self._of_words(self._words)

    @cached_property
    def _sparse(self) -> bool:
        """Whether so few assets have the facts that each can be asked for the words."""
        return self._base.bit_count() <= PROBED_AT_MOST

    # --- facts -------------------------------------------------------------------------------------------------------

    def _having(self, wish: Wish) -> int:
        found = self._fact(*ALL)
        trash = self._fact(*TRASH)
        found = (found & trash & ~self._fact(*PURGED)) if wish.in_trash else found & ~trash
        if wish.kinds:
            found &= self._any("kind", [kind.casefold() for kind in wish.kinds], whole=True)
        for term in wish.terms:
            if _in_words(term) and (self._words or not term.excluded):
                continue  # asked of the words, all at once
            having = self._fitting(term)
            found &= ~having if term.excluded else having
        return found

    def _fitting(self, term: Term) -> int:
        """Assets that a term is about, whether it takes them or leaves them out."""
        match term:
            case Words():
                return self._of_words(_phrase(term))
            case Fact(field, values, whole):
                return self._any(field, values, whole=whole)
            case Span():
                return self._span(term)
            case Either(choices):
                if _in_words(term):
                    return self._of_words(_phrase(term))
                found = 0
                for choice in choices:
                    having = self._fact(*ALL)
                    for one in choice:
                        having &= ~self._fitting(one) if one.excluded else self._fitting(one)
                    found |= having
                return found

    def _fact(self, field: str, value: str) -> int:
        return self._set(self._facts(field, "value = ?", value))

    def _facts(self, field: str, where: str, *values: Value) -> list[int]:
        """Ids of a field's facts whose values fit a condition of our own."""
        sql = f"SELECT id FROM asset_facts WHERE project = ? AND field = ? AND {where}"
        return [fact for (fact,) in self._view.tuples(sql, self._project, field, *values)]

    def _any(self, field: str, values: Iterable[str], *, whole: bool) -> int:
        """Assets with one of these values."""
        wanted = [folded(value) for value in values]
        chosen: set[int] = set()
        for value in wanted:
            # What is called “The Keeper” has the id the_keeper.
            forms = (value,) if whole else tuple(dict.fromkeys((value, value.replace(" ", "_"))))
            titles = self._titles(field)
            exact = {slug for slug, title in titles if title == value} | set(forms)
            found = {fact for one in exact for fact in self._facts(field, "value = ?", one)}
            if not (found or whole):
                found = {fact for one in forms for fact in self._facts(field, "instr(value, ?)", one)}
                named = (slug for slug, title in titles if value in title)
                found |= {fact for one in named for fact in self._facts(field, "value = ?", one)}
            chosen |= found
        found_by_facts = self._set(sorted(chosen))
        return found_by_facts | self._of_bible(field, wanted) if field in _IN_BIBLE else found_by_facts

    def _titles(self, field: str) -> list[tuple[str, str]]:
        """Ids and titles of what the bible has under a field."""
        if field not in _IN_BIBLE:
            return []
        sql = f"SELECT slug, title FROM {_IN_BIBLE[field]} WHERE project = ?"
        return [(row["slug"], folded(row["title"])) for row in self._view.all(sql, self._project)]

    def _span(self, term: Span) -> int:
        have = "value" if term.field == "date" else "CAST(value AS INTEGER)"
        ends = [(sign, end) for sign, end in ((">=", term.lowest), ("<=", term.highest)) if end is not None]
        where = " AND ".join(f"{have} {sign} ?" for sign, _ in ends)
        return self._set(self._facts(term.field, where, *(end for _, end in ends)))

    def _set(self, facts: Sequence[int]) -> int:
        """Assets that have one of these facts."""
        if not facts:
            return 0
        length = self._top // bits.BLOCK + 1
        found, few = 0, [0] * length
        for _, rows in groupby(self._blocks(facts), key=itemgetter(0)):
            blocks = [row[1:] for row in rows]
            if len(blocks) > FEW_BLOCKS:
                found |= bits.join(blocks, length)
            else:
                for number, first, block in blocks:
                    few[number] |= bits.unpack(first, block)
        if any(few):
            found |= int.from_bytes(b"".join(one.to_bytes(bits.BLOCK // 8, "little") for one in few), "little")
        marks = [f" {fact} " for fact in facts]
        newest = 0
        for row_id, having in self._tail:
            if any(mark in having for mark in marks):
                newest |= 1 << (row_id - self._sealed)
        return found | newest << self._sealed

    def _blocks(self, facts: Sequence[int]) -> Iterable[tuple[int, int, int, bytes]]:
        """Stored blocks of facts: fact, number, first byte, bytes."""
        sql = (
            "SELECT b.fact, b.block, b.first, b.bits FROM json_each(?) j CROSS JOIN asset_blocks b ON b.fact = j.value"
        )
        return self._view.tuples(sql, json.dumps(list(facts)))

    def _of_bible(self, field: str, wanted: Sequence[str]) -> int:
        """Pictures that the bible names: sources of scenes with these names or characters, references of characters."""
        slugs: set[str] = set()

        def fits(slug: str, title: str) -> bool:
            return any(one in title.casefold() or one in slug or one.replace(" ", "_") in slug for one in wanted)

        cast = self._view.all(
            'SELECT slug, title, "references", looks FROM characters WHERE project = ?', self._project
        )
        chosen = {row["slug"] for row in cast if field == "character" and fits(row["slug"], row["title"])}
        for row in cast:
            if row["slug"] in chosen:
                named = json.loads(row["references"])
                named += [one for look in json.loads(row["looks"]) for one in look.get("references", ())]
                slugs |= {str(one).rsplit("/", 1)[-1] for one in named}
        sql = "SELECT slug, title, source_asset, characters FROM scenes WHERE project = ? AND source_asset <> ''"
        for row in self._view.all(sql, self._project):
            acting = {one.rsplit("/", 1)[-1] for one in json.loads(row["characters"])}
            if fits(row["slug"], row["title"]) if field == "scene" else acting & chosen:
                slugs.add(row["source_asset"].rsplit("/", 1)[-1])
        sql = "SELECT a.id FROM json_each(?) j CROSS JOIN assets a ON a.project = ? AND a.slug = j.value"
        return bits.of_ids(row["id"] for row in self._view.all(sql, json.dumps(sorted(slugs)), self._project))

    # --- words -------------------------------------------------------------------------------------------------------

    def _known(self) -> tuple[int, int] | None:
        return self._kept.get(Key(self._words, self._edits))

    def _of_words(self, expression: str) -> int:
        """All assets, of whatever project, that have these words."""
        key = Key(expression, self._edits)
        found, top = self._kept.get(key) or (0, 0)
        if top < self._top:
            sql = "SELECT json_group_array(rowid) FROM asset_words WHERE asset_words MATCH ? AND rowid BETWEEN ? AND ?"
            found |= bits.of_ids(json.loads(self._view.value(sql, expression, top + 1, self._top)))
            self._kept.put(key, found, self._top)
        return found

    def _has_words(self, row_id: int) -> bool:
        """Whether one asset has the words."""
        sql = "SELECT 1 FROM asset_words WHERE asset_words MATCH ? AND rowid = ?"
        return self._view.value(sql, self._words, row_id) is not None

    def _streamed(self, limit: int, before: int | None, from_end: bool) -> list[int] | None:
        """The newest finds, or the oldest; None where too many had to be read for that."""
        mask = self._base.to_bytes((self._top >> 3) + 1, "little")
        found: list[int] = []
        at, read, size = (0 if from_end else before if before is not None else self._top + 1), 0, FIRST_READ
        sign, order = (">", "ASC") if from_end else ("<", "DESC")
        sql = (
            f"SELECT rowid FROM asset_words WHERE asset_words MATCH ? AND rowid {sign} ? ORDER BY rowid {order} LIMIT ?"
        )
        while read < READ_AT_MOST:
            rows = [row for (row,) in self._view.tuples(sql, self._words, at, size)]
            found += [row for row in rows if mask[row >> 3] & (1 << (row & 7))]
            if len(found) >= limit or len(rows) < size:
                return sorted(found[:limit], reverse=True)
            read, at, size = read + len(rows), rows[-1], size * 4
        return None


def _in_words(term: Term) -> bool:
    """Whether a term is of words alone, so that FTS5 can be asked for it."""
    if isinstance(term, Either):
        return all(len(choice) == 1 and _in_words(choice[0]) and not choice[0].excluded for choice in term.choices)
    return isinstance(term, Words)


def _expression(words: Sequence[Term]) -> str:
    """What FTS5 is asked for words; empty where only some are left out, or there are none."""
    wanted = [_phrase(one) for one in words if not one.excluded]
    if not wanted:
        return ""
    expression = " AND ".join(wanted)
    left_out = [_phrase(one) for one in words if one.excluded]
    return f"({expression}) NOT ({' OR '.join(left_out)})" if left_out else expression


def _phrase(term: Term) -> str:
    """Words that follow each other, in the form that FTS5 reads: tokens are letters and digits, so nothing else is."""
    if isinstance(term, Either):
        return f"({' OR '.join(_phrase(choice[0]) for choice in term.choices)})"
    assert isinstance(term, Words)
    phrase = f'"{" ".join(term.tokens)}"{" *" if term.prefix else ""}'
    return f"{term.place} : {phrase}" if term.place else phrase
