"""Which stage a sentence means, and which values it gives to its variables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bullpend.copilot.words import ORD, Line, number
from bullpend.copilot.world import StageWords, World

_AROUND = (
    r"(?: (?:lock|stage|pass|step|phase|job|run|treatment|round|sweep|work|change|edit|locking|correction|thing)s?)*"
)
# Stretches in which a stage's name means something else.
_ELSEWHERE = (
    r"(?:this|next|one more|another|the same|first|last|some|any|every|each|long|at a|in no|a second|one last|"
    r"more|of) time(?! of)|at the same time"
    r"|in (?:good )?time|time left|how much time|(?:all|whole) the time|(?:take|takes|taking) (?:your|its) "
    r"time|in (?:that|this) light|go light"
)


@dataclass
class Staged:
    """Stages that were named, and values by stage."""

    stages: list[StageWords] = field(default_factory=list)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    conflict: str = ""

    @property
    def ids(self) -> list[str]:
        """Ids of the stages that were named, or that the values belong to."""
        named = [stage.id for stage in self.stages]
        return named or list(self.values)


def read(line: Line, world: World) -> Staged:
    """Takes stages and values from the line."""
    made = Staged()
    line.take(_ELSEWHERE)
    for stage in world.stages:
        names = sorted({stage.id.lower(), stage.title.lower(), *stage.names}, key=len, reverse=True)
        either = "|".join(re.escape(name) for name in names)
        pattern = (
            rf"(?:the )?\"?(?:stages?/)?(?:{either})\"?{_AROUND}|(?:stage|pass|step) (?:= |: )?(?:called |"
            rf"named )?\"?(?:{either})\"?"
        )
        took = False
        while line.take(pattern):
            took = True
        if took:
            made.stages.append(stage)
    _by_place(line, world, made)
    _changed(line, world, made)
    _values(line, world, made)
    return made


def _by_place(line: Line, world: World, made: Staged) -> None:
    """`the first stage`, `stage 2`."""
    if not made.stages and (found := line.take(rf"(?:the )?(?P<o>{ORD}) stage|stage (?:number |no )?(?P<n>\d)")):
        place = number(found["o"] or found["n"])
        if 0 < place <= len(world.stages):
            made.stages.append(world.stages[place - 1])


def _changed(line: Line, world: World, made: Staged) -> None:
    """`day into night`: what is wanted is the second one."""
    for stage in world.stages:
        either = "|".join(sorted(map(re.escape, stage.values), key=len, reverse=True))
        if either and (found := line.take(rf"(?:from )?(?:{either}) (?:in)?to (?:a |an )?(?P<v>{either})")):
            variable, value = stage.values[found["v"]]
            made.values.setdefault(stage.id, {})[variable] = value


def _values(line: Line, world: World, made: Staged) -> None:
    wanted = {stage.id for stage in made.stages}
    order = sorted(world.stages, key=lambda stage: stage.id not in wanted)
    for stage in order:
        for spoken in sorted(stage.values, key=len, reverse=True):
            variable, value = stage.values[spoken]
            lead = (
                r"(?:(?:and )?(?:to|look like|looks like|as|in|at|into|for|with|under|by|make it|let it|have "
                r"it|be|is|being|during|"
                r"on|set to|= |: |it) )?(?:(?:a|an|the|some|a bit of|a little) )?"
                r"(?:heavy |light |bright |deep )?"
            )
            tail = (
                r"(?: (?:style|look|looks|aesthetic|weather|light|lighting|time|conditions?|scenery|mode|again|feel|"
                r"mood|feeling|atmosphere|vibe|touch|effect|version|variant|edition))?"
            )
            found = line.find(rf"{lead}\"?{re.escape(spoken)}\"?{tail}")
            if found is None:
                continue
            if re.search(r"(?:heavy|light|bright|deep) ", found[0]) and not re.search(r"\b(?:light|bright)\b", spoken):
                continue
            line.remove(*found.span())
            mine = made.values.setdefault(stage.id, {})
            if mine.get(variable, value) != value:
                made.conflict = f"{mine[variable]} or {value}"
            mine[variable] = value
