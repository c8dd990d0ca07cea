"""Places of a story: one reader for each way to name scenes, at one position of a line.

A number means the scene whose id ends in it, and the scene that stands at this place; where these are two, the copilot
asks. Each reader gives where it ended and which scenes it found, or None where its way does not begin there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bullpend.copilot.words import NUM, NUM_OR_ORD, ORD, SCENE, VAGUE, Line, compiled, number, several
from bullpend.copilot.world import SceneWords, World

THE = r"(?:the )?"
RANGE = r"(?:-|to|through|thru|until|till|up to|\.\.|\.\.\.|up through)"
_ITEM = (
    rf"(?:(?:#|no|nr|number|num) (?:\. )?|#)?(?P<a>{NUM_OR_ORD})(?: (?:{RANGE}) (?:(?:{SCENE}) )?(?:number "
    rf")?(?P<b>{NUM_OR_ORD}))?"
)
_DASHED = r"#?(?P<a>\d{1,4})-(?P<b>\d{1,4})|(?P<c>\d{1,4})\.{2,3}(?P<d>\d{1,4})"
JOIN = r"(?: , and | , & | , | and | & | \+ | plus | as well as )"
# Words of titles that say nothing about which scene is meant.
_PLAIN = frozenset(
    several(
        """
    the a an of in on at to and or with from into for by is was that this what who not does goes out last first
    night day dusk dawn rain snow fog storm clear noir ink style time weather scene scenes all every light one two
    three
    """
    )
)


class Places:
    """Reads scenes from a line; what is unclear is kept as the first question."""

    def __init__(self, world: World, line: Line) -> None:
        self._world = world
        self._line = line
        self._question = ""
        self._choices: list[str] = []

    def _match(self, pattern: str, position: int) -> re.Match[str] | None:
        return compiled(rf"(?:{pattern})(?![^\s\x00])").match(self._line.rest, position)

    def _numbered(self, position: int) -> tuple[int, set[str]] | None:
        """`scene 4`, `scenes 1, 2 and 5`, `panels 1-3`, `scene number four`."""
        glued = self._match(
            rf"{THE}(?:scene|panel|page|shot|frame|picture|image|sc|s|p)(?:\.|#)?(?P<n>\d{{1,3}})", position
        )
        if glued is not None:
            return glued.end(), self._at(int(glued["n"]))
        head = self._match(rf"{THE}{SCENE}(?: (?:numbers?|no\.?|nr\.?))?(?: [:=])?(?= )", position)
        if head is None:
            between = self._match(
                rf"(?:between|from) (?:{THE}{SCENE} )?(?P<a>{NUM_OR_ORD}) (?:and|to) (?:{SCENE} )?(?P<b>{NUM_OR_ORD})",
                position,
            )
            if between is not None and SCENE and re.search(SCENE, between[0]):
                return between.end(), self._range(between["a"], between["b"])
            return None
        end = head.end()
        found: set[str] = set()
        took = False
        gap = " "
        while True:
            if self._line.rest[end : end + len(gap)] != gap:
                break
            item = self._bare(end + len(gap))
            if item is None:
                break
            end, slugs = item
            found |= slugs
            took = True
            joined = compiled(JOIN).match(self._line.rest, end)
            if joined is None:
                break
            again = self._match(rf"{THE}{SCENE} (?:number )?", joined.end())
            start = again.end() if again else joined.end()
            if self._bare(start) is None:
                break
            end, gap = start, ""
        return (end, found) if took else None

    def _counted(self, position: int) -> tuple[int, set[str]] | None:
        """`two scenes`, `a couple of panels`: how many, and not which; only all of them can be meant by their count."""
        found = self._match(
            rf"(?:the |a |any |only |just |about )?(?P<n>{NUM}) (?:of (?:the |my |our |these |those )?)?"
            rf"(?:more |other |different |random )?{SCENE}(?! (?:numbers? |no )?\d)",
            position,
        )
        if found is None:
            return None
        order = [scene.slug for scene in self._world.scenes]
        if number(found["n"]) == len(order) and " of " not in found[0]:
            return found.end(), set(order)
        self._ask(f"Which {found['n']}?", "all scenes", *order[:7])
        return found.end(), set()

    def _bare(self, position: int) -> tuple[int, set[str]] | None:
        """`4`, `1-3`, `two to five`."""
        dashed = self._match(_DASHED, position)
        if dashed is not None:
            low, high = (dashed["a"], dashed["b"]) if dashed["a"] else (dashed["c"], dashed["d"])
            return dashed.end(), self._range(low, high)
        placed = self._match(rf"{THE}(?P<p>{ORD}) ones?", position)
        if placed is not None:
            return placed.end(), self._places([number(placed["p"])])
        item = self._match(rf"{THE}{_ITEM}", position)
        if item is None or item["a"] in VAGUE or item["b"] in VAGUE:
            return None
        tail = self._line.rest[item.end() :]
        if re.match(
            r" (?:more |different |extra )?(?:candidates?|variants?|variations?|versions?|steps?|each|times?|"
            r"takes?|options?|x\b|%)",
            tail,
        ):
            return None
        if item["b"]:
            return item.end(), self._range(item["a"], item["b"])
        return item.end(), self._at(number(item["a"]))

    def _placed(self, position: int) -> tuple[int, set[str]] | None:
        """`the first scene`, `second and third panels`, `the 2nd, 4th and 5th pictures`."""
        one = rf"(?:{ORD})"
        found = self._match(
            rf"{THE}(?P<l>{one}(?:(?: , and | , | and | & ){THE}{one})*(?: {RANGE} {THE}{one})?) {SCENE}", position
        )
        if found is None:
            return None
        places = [number(word) for word in re.findall(one, found["l"])]
        if re.search(rf" {RANGE} ", found["l"]) and len(places) >= 2:
            places = [*places[:-2], *range(places[-2], places[-1] + 1)]
        return found.end(), self._places(places)

    def _edge(self, position: int) -> tuple[int, set[str]] | None:
        """`the first three scenes`, `the last two`, `the last scene`, `the odd panels`."""
        order = [scene.slug for scene in self._world.scenes]
        found = self._match(rf"{THE}first and {THE}last(?: (?:ones?|{SCENE}))?", position)
        if found is not None and order:
            return found.end(), {order[0], order[-1]}
        found = self._match(rf"{THE}(?P<n>{NUM}) (?P<e>first|last|final) {SCENE}", position)
        if found is not None and 0 < number(found["n"]) <= len(order):
            many = number(found["n"])
            return found.end(), set(order[:many] if found["e"] == "first" else order[-many:])
        found = self._match(
            rf"{THE}(?P<e>first|last|final|opening|closing) (?P<n>{NUM})(?: of (?:them|the {SCENE}))?(?: {SCENE})?",
            position,
        )
        if found is not None:
            many = number(found["n"])
            if many > len(order):
                self._ask(f"There are only {len(order)} scenes. Shall I take all of them?", "all scenes")
            front = found["e"] in ("first", "opening")
            return found.end(), set(order[:many] if front else order[-many:] if many else [])
        found = self._match(rf"{THE}(?P<n>{NUM}) (?P<e>first|last|final) {SCENE}", position)
        if found is not None:
            many = number(found["n"])
            return found.end(), set(order[:many] if found["e"] == "first" else order[-many:])
        found = self._match(rf"{THE}(?P<e>last|final|closing|opening) {SCENE}|{THE}(?P<f>last|final) one", position)
        if found is not None and order:
            return found.end(), {order[0] if found["e"] == "opening" else order[-1]}
        found = self._match(rf"{THE}(?:all )?(?P<p>odd|even)(?:-| )?(?:numbered)? {SCENE}", position)
        if found is not None:
            return found.end(), set(order[0::2] if found["p"] == "odd" else order[1::2])
        return None

    def _onward(self, position: int) -> tuple[int, set[str]] | None:
        """`scene 3 onwards`, `from scene 3 on`, `up to scene 4`, `scenes after 2`."""
        order = [scene.slug for scene in self._world.scenes]
        found = self._match(
            rf"(?:everything |all )?(?:from |starting (?:at|from|with) )?{THE}{SCENE} (?:from )?(?P<a>{NUM_OR_ORD}) "
            r"(?:onwards?|on|and (?:up|later|after|onwards?|following|above)|to the end|till the end|until the end)",
            position,
        )
        if found is not None:
            start = self._at(number(found["a"]))
            return found.end(), set(order[order.index(min(start, key=order.index)) :]) if start else set()
        found = self._match(
            rf"(?:everything |all )?(?:(?:up to|until) (?:and including )?{THE}{SCENE}|{SCENE} (?:up to|until)) "
            rf"(?P<a>{NUM_OR_ORD})",
            position,
        )
        if found is not None:
            end = self._at(number(found["a"]))
            return found.end(), set(order[: order.index(min(end, key=order.index)) + 1]) if end else set()
        return None

    def _named(self, position: int) -> tuple[int, set[str]] | None:
        """A title, or an id, with or without quotes; the longest one that fits."""
        best: tuple[int, set[str]] | None = None
        head = self._match(rf"(?:{THE}{SCENE} )?(?:called |titled |named )?{THE}", position) if position >= 0 else None
        starts = [position] + ([head.end()] if head is not None and head.end() > position else [])
        for start in starts:
            for scene in self._world.scenes:
                for name in (f"§{self._world.scenes.index(scene)}", *_names(scene)):
                    if start == position and len(name.split()) == 1 and name in _PLAIN:
                        continue
                    found = self._match(rf'"?{re.escape(name)}"?(?:\'s)?(?: {SCENE})?', start)
                    if found is not None and (best is None or found.end() > best[0]):
                        best = found.end(), {scene.slug}
                    elif found is not None and best is not None and found.end() == best[0]:
                        best[1].add(scene.slug)
        if best is not None and len(best[1]) > 1:
            self._ask("More than one scene is called so. Which one?", *sorted(best[1]))
        return best

    def _with_character(self, position: int) -> tuple[int, set[str]] | None:
        """`scenes with Mara`, `every scene that Mara is in`, `Mara's scenes`."""
        people = {name: slug for slug, title in self._world.characters.items() for name in _people(slug, title)}
        if not people:
            return None
        names = "|".join(sorted(map(re.escape, people), key=len, reverse=True))
        found = self._match(
            rf"(?:all |every )?{THE}{SCENE} (?:with|featuring|of|showing|containing|that (?:have|has|show|"
            rf"feature)|where) (?P<w>{names})"
            rf"(?: (?:appears|is|is in|shows up))?|(?:all |every )?{THE}{SCENE} (?:that )?(?P<v>{names}) "
            rf"(?:is|appears) in|(?:all )?(?P<u>{names})'s {SCENE}",
            position,
        )
        if found is None:
            return None
        who = people[found["w"] or found["v"] or found["u"]]
        slugs = {scene.slug for scene in self._world.scenes if who in scene.characters}
        if not slugs:
            self._ask(f"No scene has {who}. Which scenes do you mean?", "all scenes")
        return found.end(), slugs

    def _telling(self, position: int) -> tuple[int, set[str]] | None:
        """A telling word of one title, such as `the pier` of `The pier at dusk`."""
        match = self._match(r"(?:the )?([a-z][a-z-]{3,})(?:'s)?(?: (?:scene|panel|picture))?", position)
        if match is None or match[1] in _PLAIN:
            return None
        word = match[1]
        scenes = [scene.slug for scene in self._world.scenes if word in re.findall(r"[\w'-]+", scene.title.lower())]
        if len(scenes) > 1:
            self._ask(f"`{word}` is in the titles of several scenes. Which one?", *scenes)
        return (match.end(), set(scenes)) if scenes else None

    def _range(self, low: str, high: str) -> set[str]:
        first, last = number(low), number(high)
        if first > last:
            first, last = last, first
        if last - first > 500:
            self._ask(f"There are {len(self._world.scenes)} scenes. Which ones do you mean?")
            return set()
        return self._places(range(first, last + 1))

    def _places(self, places: Sequence[int]) -> set[str]:
        return {slug for place in places for slug in self._at(place)}

    def _at(self, place: int) -> set[str]:
        scenes = self._world.scenes
        by_id = [scene.slug for scene in scenes if (tail := re.search(r"(\d+)$", scene.slug)) and int(tail[1]) == place]
        by_place = [scenes[place - 1].slug] if 0 < place <= len(scenes) else []
        meant = dict.fromkeys([*by_id, *by_place])
        if not meant:
            there = len(scenes)
            self._ask(
                f"There is no scene {place}; the project has {there} scene{'s' if there != 1 else ''}. Which "
                f"one do you mean?",
                *[scene.slug for scene in scenes[:8]],
            )
            return set()
        if len(meant) > 1:
            self._ask(f"`{place}` can be {' or '.join(meant)}. Which one?", *meant)
            return set()
        return set(meant)

    def _ask(self, question: str, *choices: str) -> None:
        if not self._question:
            self._question, self._choices = question, list(choices)


def marked(text: str, world: World) -> str:
    """Titles of more than one word, and names in quotes, as marks that no other word can be taken for."""
    titles = [_bare(scene.title) for scene in world.scenes]
    for index, bare in enumerate(titles):
        if not bare or titles.count(bare) > 1 or re.fullmatch(r"[a-z]+[ _-]?\d+", bare):
            continue
        quotes = '"?' if len(bare.split()) > 1 else '"'
        text = re.sub(rf"(?<!\S){quotes}(?:the |a |an )?{re.escape(bare)}{quotes}(?!\S)", f"§{index}", text)
    for index, bare in enumerate(titles):
        # A title that is a word of the weather or the like is a scene where it is listed among others.
        if bare and titles.count(bare) == 1 and " " not in bare and not re.fullmatch(r"[a-z]+[ _-]?\d+", bare):
            name = re.escape(bare)
            text = re.sub(
                rf"(?<!\S)(§\d+(?:{JOIN}|, ))(?:the )?{name}(?=$| [.!?,]| and | & |$)", rf"\g<1>§{index}", text
            )
            text = re.sub(rf"(?<= )(?:the )?{name}(?={JOIN}(?:the )?§\d)", f"§{index}", text)
    return text


def _bare(title: str) -> str:
    return re.sub(r"^(?:the|a|an) ", "", " ".join(re.findall(r"[\w'-]+", title.lower())))


def _names(scene: SceneWords) -> list[str]:
    """What a scene may be called: title without its article, id, id with blanks."""
    title, bare = " ".join(re.findall(r"[\w'-]+", scene.title.lower())), _bare(scene.title)
    slug = scene.slug.lower()
    made = [title, bare, slug, slug.replace("_", " ").replace("-", " ")]
    return list(dict.fromkeys(name for name in made if name and not name.isdigit()))


def _people(slug: str, title: str) -> list[str]:
    first = title.lower().split()
    return list(dict.fromkeys([slug.lower(), title.lower(), *(first[:1] if first else [])]))
