"""Runs that a sentence names: by id, by number, by stage, the last one, the one that works."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bullpend.copilot.wishes import Ask
from bullpend.copilot.words import SCENE, Line
from bullpend.copilot.world import RunWords, World

# What may stand before an order without changing it.
POLITE = (
    r"(?:(?:hey|hi|hello|ok|okay|so|well|now|please|pls|plz|kindly|copilot|bullpen|then|and|just|alright|"
    r"right|,|my dear|dear|(?:could|can|would|will) (?:somebody|someone|anybody)|(?:could|can) (?:you|we|i)(?: "
    r"(?:maybe|perhaps|possibly))?|(?:maybe|perhaps) (?:we|you) "
    r"(?:can|could)"
    r"|would you(?: mind)?|will you|let us|(?:i|we) (?:want|need|have|would like|would love)(?: you)?(?: to)?|"
    r"(?:i|we) (?:think )?(?:we|you|i) should"
    r"|go ahead and|you (?:can|may|should)|it is time to|do me a favou?r and|time to|go|let me|maybe you "
    r"could|quickly|immediately|at once) )*"
)


# What is said of a run's state, and the states that it means.
_STATES: tuple[tuple[tuple[str, ...], frozenset[str]], ...] = (
    (("SUCCEEDED", "PARTIAL", "FAILED", "CANCELED"), frozenset({"finished", "completed", "ended", "done"})),
    (("SUCCEEDED",), frozenset({"succeeded"})),
    (("FAILED", "PARTIAL"), frozenset({"failed"})),
)
_LAST = ("last", "latest", "newest", "most recent", "previous")


@dataclass(frozen=True)
class Target:
    """What was said about runs: the run, or a question; neither where nothing was said. `many` means all of them."""

    run: RunWords | None = None
    ask: Ask | None = None
    many: bool = False
    said: bool = False


def own_name(line: Line, world: World) -> None:
    """Takes what the project is called: every sentence is about it anyway."""
    names = {world.project, world.project.replace("_", " ").replace("-", " "), world.title.lower()} - {""}
    either = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    line.take(
        rf"(?:(?:in|of|for|on|from|within) )?(?:the )?(?:project |universe )?\"?(?:{either})\"?(?: project| "
        rf"universe)?(?: only)?"
    )


def without_own_name(text: str, world: World) -> str:
    """`all scenes of Harbor Lights` without its end: a scene may be called like its universe, and is not meant here."""
    names = {world.project, world.project.replace("_", " "), world.title.lower()} - {""}
    either = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    everything = rf"(?:(?:all|every|each)(?: \S+){{0,4}}? {SCENE}|everything)"
    return re.sub(
        rf"(?<!\S)({everything}) (?:in|of|from|for) (?:the )?(?:project |universe )?(?:{either})(?!\S)", r"\1", text
    )


def stage_words(world: World) -> str:
    """Every way to name a stage, as a pattern."""
    names = {name for stage in world.stages for name in (stage.id, stage.title.lower(), *stage.names)}
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True)) or r"(?!)"


def stage_called(name: str, world: World) -> str:
    """The stage that is called so."""
    return next((s.id for s in world.stages if name in (s.id, s.title.lower(), *s.names)), "")


def take_run(line: Line, world: World, among: Sequence[RunWords], what: str) -> Target:
    """The run that the line names, of those that can be meant. `what` says what for, in questions."""
    if found := line.take(r"(?:the )?(?:run )?(?:projects/[\w-]+/runs/)?(?P<r>r-\d+[\w-]*)(?: run)?"):
        named = [run for run in world.runs if run.slug == found["r"] or run.slug.startswith(f"{found['r']}-")]
        if len(named) == 1:
            return Target(named[0], said=True)
        return Target(ask=Ask(f"There is no run {found['r']} here.", _slugs(among), "run"), said=True)
    if found := line.take(r"(?:the )?run (?:number |no |nr |# ?)?#?(?P<n>\d{1,6})"):
        named = [run for run in world.runs if run.slug.startswith(f"r-{int(found['n']):04d}-")]
        if len(named) == 1:
            return Target(named[0], said=True)
        return Target(ask=Ask(f"There is no run {found['n']} here.", _slugs(among), "run"), said=True)
    stages = stage_words(world)
    kind = (
        r"(?:last|latest|newest|most recent|previous|current|currently running|running|active|ongoing|recent|"
        r"queued|paused|failed|finished|completed|ended|done|succeeded)"
    )
    kinds = rf"(?:{kind} )?{kind}"
    runs = r"(?:runs?|jobs?|pipeline|generation|rendering|batch|process|work)"
    if found := line.take(
        rf"(?:the |my |our |that |this )?(?P<k>{kinds} )?(?P<s>{stages}) (?:stage |pass |lock )*{runs}|(?:the |"
        rf"my |our )?(?P<l>{kinds}) (?P<t>{stages})(?: (?:stage|pass|lock|run))*"
    ):
        stage = stage_called(found["s"] or found["t"], world)
        return _one([run for run in among if run.stage == stage], world, what, found["k"] or found["l"] or "", stage)
    if line.take(
        rf"(?:all|every|each)(?: of)?(?: (?:the|my|our|these|those))?(?: {kinds})? {runs}|everything|all of "
        rf"(?:it|them)|it all|them all|all|the (?:whole|entire) queue|generating|rendering|(?:all )?(?:the )?work"
    ):
        return Target(many=True, said=True)
    if found := line.take(rf"(?:the |my |our |that |this )?(?P<k>{kinds}) (?:one|{runs})(?: that is running)?"):
        return _one(among, world, what, found["k"])
    if line.take(rf"(?:the |my |our |that |this |what is ){runs}|what is running|(?:it|that|this|this one|that one)"):
        return _one(among, world, what)
    if what in ("cancel", "pause", "resume") and (
        found := line.take(rf"(?:the )?(?P<s>{stages})(?: (?:stage|pass|lock))*")
    ):
        stage = stage_called(found["s"], world)
        return _one([run for run in among if run.stage == stage], world, what, "", stage)
    return Target()


def _slugs(runs: Sequence[RunWords]) -> tuple[str, ...]:
    return tuple(run.slug for run in runs[:6])


def _one(among: Sequence[RunWords], world: World, what: str, kind: str = "", stage: str = "") -> Target:
    """The one run that is meant. The last one is the last of all, not the last of those that would fit."""
    for states, words in _STATES:
        if words & set(kind.split()):
            among = [run for run in among if run.state in states]
            kind = " ".join(word for word in kind.split() if word not in words) or "last"
            if among:
                return (
                    Target(among[0], said=True)
                    if len(among) == 1 or kind.strip() in _LAST
                    else Target(ask=Ask(f"Which run shall I {what}?", _slugs(among), "run"), said=True)
                )
    if not among:
        return Target(ask=Ask(f"There is no {f'{stage} run' if stage else 'run'} to {what}."), said=True)
    if kind.strip() in _LAST:
        last = next((run for run in world.runs if stage in ("", run.stage) and run.active == among[0].active), among[0])
        if last not in among:
            what_then = f"There is nothing to {what} in the last one, {last.slug}. Do you mean {among[0].slug}?"
            return Target(ask=Ask(what_then, _slugs(among), "run"), said=True)
    if len(among) == 1 or kind:
        return Target(among[0], said=True)
    return Target(ask=Ask(f"Which run shall I {what}?", _slugs(among), "run"), said=True)


def begins(line: Line, verbs: str) -> re.Match[str] | None:
    """The verb where the sentence begins with it, taken with what stands before it."""
    found = re.match(rf"{POLITE}(?P<v>{verbs})(?= |$)", line.rest)
    if found is not None:
        line.remove(0, found.end())
    return found
