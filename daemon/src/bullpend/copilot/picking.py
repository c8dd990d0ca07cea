"""Which scenes a sentence means: those that are named, all of them, or all but some."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bullpend.copilot.places import JOIN, RANGE, Places, marked
from bullpend.copilot.words import NUM, SCENE, compiled, number

__all__ = ["Picked", "Picker", "marked"]

_ALL = (
    rf"(?:all|every|each)(?: (?:single|one))?(?: of)?(?: (?:the|our|my|these|those|its|them))?"
    rf"(?: (?P<n>{NUM}))?(?: of (?:them|the))?(?: (?:available|existing))? {SCENE}"
    rf"|{SCENE} (?:= |: )?all|{SCENE}(?= (?:other than|except|excluding|apart from|besides) )|all {NUM} of "
    rf"(?:them|the {SCENE})"
    r"|(?:(?:on|over|for|across) )?all(?= ?[,.;:!?]| please| with| using|$)|"
    r"everything(?! (?:from|up to|until|till|after|before) )|all of (?:it|them)|"
    r"them all|everywhere|the lot|the whole lot|the full set"
    r"|the (?:whole|entire|full|complete) (?:set|project|story|universe|comic|book|issue|episode|sequence|"
    r"world|thing|cast of scenes)"
    rf"|the (?:whole|entire) (?:set|bunch) of {SCENE}|(?:whole|entire) (?:project|story|universe|comic|book)"
)
_ALL_COUNT = (
    rf"(?:all|the full|all of the|the whole|the) (?P<n>{NUM})(?: {SCENE})?(?! (?:candidates?|variants?|of|"
    rf"first|last|final))"
)
_EXCEPT = (
    r"except(?:ing)?(?: for)?|(?:but|and) (?:leave|keep|take)(?= (?:\S+ ){1,6}out)|but not(?: for| on)?|but|apart "
    r"from|other than|besides|excluding|exclude|without|minus|save(?: for)?"
    r"|not including|leaving out|leave out|skip|skipping|omit|omitting|ignoring|ignore|bar|barring|with the "
    r"exception of"
)


@dataclass
class Picked:
    """Slugs in story order; `everything` where all were meant; `question` where it is not clear which."""

    slugs: tuple[str, ...] = ()
    everything: bool = False
    question: str = ""
    choices: list[str] = field(default_factory=list)
    said: bool = False


class Picker(Places):
    """Takes scenes from a line."""

    def pick(self, bare: bool = False) -> Picked:
        """What the line says about scenes. With `bare` a lone number or list means scenes."""
        starring = self._starring()
        everything = not starring and self._all()
        excluded: set[str] = set()
        if everything or self._line.find(_EXCEPT):
            excluded = self._except()
            if excluded and self._line.take(
                rf"(?:on |over |for )?(?:all )?(?:of )?(?:the )?(?:others|other {SCENE}|other ones|rest|"
                rf"remaining {SCENE}|remaining ones)(?: of (?:them|the {SCENE}))?"
            ):
                everything = True
        chosen = starring | (set() if everything else self._parts(bare))
        order = [scene.slug for scene in self._world.scenes]
        if self._question:
            return Picked(question=self._question, choices=self._choices, said=True)
        if everything or (excluded and not chosen):
            if not everything and excluded:
                return Picked(
                    question="Shall I take all other scenes?",
                    choices=[f"all scenes except {', '.join(sorted(excluded))}"],
                    said=True,
                )
            slugs = tuple(slug for slug in order if slug not in excluded)
            if not slugs:
                return Picked(question="No scene is left then. Which ones do you mean?", said=True)
            return Picked(slugs, everything=not excluded, said=True)
        slugs = tuple(slug for slug in order if slug in chosen - excluded)
        return Picked(slugs, said=bool(chosen))

    def _starring(self) -> set[str]:
        """Scenes that are named by who is in them, wherever that is said; before `all scenes` is read."""
        for start in compiled(rf"(?<![^\s\x00])(?=(?:all |every |the )*{SCENE} |[a-z_ ]+'s {SCENE})").finditer(
            self._line.rest
        ):
            found = self._with_character(start.start())
            if found is not None:
                self._line.remove(start.start(), found[0])
                return found[1]
        return set()

    def _all(self) -> bool:
        if self._line.take(rf"both(?: of)?(?: (?:them|the))?(?: {SCENE})?"):
            if len(self._world.scenes) != 2:
                self._ask("Which two scenes?", *[scene.slug for scene in self._world.scenes[:8]])
            return True
        found = self._line.take(_ALL)
        if found is None:
            found = self._line.take(_ALL_COUNT) if self._line.find(_ALL_COUNT) else None
            if found is None:
                found = self._line.take(rf"all(?= (?:{_EXCEPT}) )")
            if found is None:
                return False
        said = found.groupdict().get("n")
        inside = re.search(rf"all ({NUM}) of", found[0])
        said = said or (inside[1] if inside else None)
        there = len(self._world.scenes)
        if said is not None and number(said) != there:
            self._ask(
                f"The project has {there} scene{'s' if there != 1 else ''}, not {said}. Shall I take all {there}?",
                f"all {there} scenes",
            )
        return True

    def _except(self) -> set[str]:
        found: set[str] = set()
        before = compiled(rf"(?<![^\s\x00])(?:, )?(?:and )?(?:{_EXCEPT}) (?=[^\s\x00])")
        while match := before.search(self._line.rest):
            taken = self._sequence(match.end(), bare=True) or self._telling(match.end())
            if taken is None:
                break
            end, slugs = taken
            self._line.remove(match.start(), end)
            found |= slugs
            tail = self._line.rest[end:]
            if out := re.match(r" out(?![^\s\x00])", tail):
                self._line.remove(end, end + out.end())
        return found

    def _parts(self, bare: bool) -> set[str]:
        """Scenes that are named as such; only where none is, a lone number means one too."""
        found = self._through(bare=False)
        if not found and bare:
            found = self._through(bare=True)
        return found | self._by_words(joined=bool(found))

    def _through(self, bare: bool) -> set[str]:
        found: set[str] = set()
        position = 0
        while position < len(self._line.rest):
            before = self._line.rest[:position]
            alone = bool(re.search(r"(?<![^\s\x00])(?:for|on|over|to|in|of|only|just) $", before))
            alone = alone or (bare and not re.search(r"(?<![^\s\x00])(?:with|using|at|by|x|times|and) $", before))
            taken = self._sequence(position, alone)
            if taken is not None:
                end, slugs = taken
                self._line.remove(position, end)
                if lead := re.search(r"(?<![^\s\x00])(?:only|just|specifically) $", before):
                    self._line.remove(lead.start(), position)
                found |= slugs
                position = end
            following = compiled(r"[ \x00]").search(self._line.rest, position)
            if following is None:
                break
            position = following.end()
        return found

    def _sequence(self, position: int, bare: bool) -> tuple[int, set[str]] | None:
        """Parts joined by commas and `and`, from a position on."""
        first = self._part(position, bare)
        if first is None:
            return None
        end, slugs = first
        if to := compiled(rf" (?:{RANGE}) (?=[^\s\x00])").match(self._line.rest, end):
            last = self._part(to.end(), bare=True) if len(slugs) == 1 else None
            if last is not None and len(last[1]) == 1:
                order = [scene.slug for scene in self._world.scenes]
                low, high = sorted((order.index(min(slugs)), order.index(min(last[1]))))
                end, slugs = last[0], set(order[low : high + 1])
        while joined := compiled(JOIN).match(self._line.rest, end):
            more = self._part(joined.end(), bare=True)
            if more is None:
                break
            end, others = more
            slugs |= others
        return end, slugs

    def _part(self, position: int, bare: bool) -> tuple[int, set[str]] | None:
        for reader in (
            self._named,
            self._edge,
            self._onward,
            self._numbered,
            self._placed,
            self._with_character,
            self._counted,
        ):
            found = reader(position)
            if found is not None:
                return found
        return self._bare(position) if bare else None

    def _by_words(self, joined: bool) -> set[str]:
        """Telling words of titles, wherever they stand; or only those that are joined to scenes that were taken."""
        found: set[str] = set()
        position = 0
        while following := compiled(r"(?<![^\s\x00])(?=[a-z])").search(self._line.rest, position):
            position = following.start() + 1
            taken = self._telling(following.start())
            rest = self._line.rest
            if taken is not None and joined:
                near = re.match(r"(?: and| ,| ,? and)? *\x00", rest[taken[0] :]) or re.search(
                    r"\x00(?: and| ,| , and) $", rest[: following.start()]
                )
                taken = taken if near else None
            if taken is not None:
                position, slugs = taken
                self._line.remove(following.start(), position)
                found |= slugs
        return found
