"""The built-in copilot: what a sentence about the studio means. Pure: the same words in the same world mean the same.

A sentence is read in this order, and the first reading that holds ends it:

1. talk: a greeting, thanks, a question about the copilot, a yes or no (which is never a confirmation);
2. a question: why, how far, what it costs, what there is; it is looked up;
3. an order about what there is: bring out, cancel, pause, go on, retry, accept, post-process, check;
4. a run, or the plan of one.

Everything that a reading does not account for is asked about: words are never dropped, and nothing is guessed. What is
proposed is shown as a card before anybody can confirm it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bullpend.copilot import (
    acting,
    asking,
    exporting,
    following,
    handing,
    reviewing,
    running,
    spelling,
    syncing,
    talking,
)
from bullpend.copilot.leftover import near, quoted
from bullpend.copilot.targets import stage_words
from bullpend.copilot.wishes import Ask, Propose, Read, Say, Understood
from bullpend.copilot.words import CANDIDATE, MAX_CHARACTERS, NUM, NUM_OR_ORD, SCENE, Line
from bullpend.copilot.world import World
from bullpend.instructions.model import ACCEPT, CREATE_RUN, EXPORT, PROCESS, RETRY_RUN

__all__ = ("Ask", "Propose", "Read", "Say", "Understood", "changed", "continued", "ordered", "understand")

_READINGS = (
    handing.read,
    exporting.read,
    syncing.read,
    talking.read,
    asking.read,
    acting.read,
    reviewing.read,
    running.read,
)
# Orders in one sentence.
MOST_PARTS = 4
# What the next message may do to a card.
CHANGE = "change"
# What the next message may do to a plan.
PLANNED = "planned"


def understand(text: str, world: World) -> Understood:
    """What a sentence means in a project."""
    if len(text) > MAX_CHARACTERS:
        return Ask(f"That is longer than {MAX_CHARACTERS} characters. What shall I do, in a sentence or two?")
    found = _whole(text, world)
    if isinstance(found, Ask) and found.slot in ("", "stage"):
        found = _in_parts(text, world) or found
    if not isinstance(found, Ask):
        return found
    mended = spelling.mended(text, world)
    if mended == Line(text).text:
        return found
    again = _whole(mended, world)
    # A question is asked about what was meant: it is the same one, or nearer to it.
    return again if not isinstance(again, Ask) or again.slot else found


def _whole(text: str, world: World) -> Understood:
    """What a sentence means that says one thing."""
    line = Line(text)
    if not re.search(r"\w", line.text):
        return Ask("What shall I do?", ("help",))
    for reading in _READINGS:
        found = reading(line, world)
        if found is not None:
            return found
        line = Line(text)
    return _lost(line, world)


def _in_parts(text: str, world: World) -> Propose | None:
    """Several orders in one sentence, each of them whole: `style on scene 1 and weather on scene 2`.

    Two runs over the same scene are none of these: the second would have to wait for what the first one makes. Nor is
    an export beside anything that changes what it would hold.
    """
    parts = re.split(r"(?: ,| ;)? (?:and then|then|and) | ; |(?<=\S) \. (?=\S)", Line(text).text)
    if not 1 < len(parts) <= MOST_PARTS:
        return None
    calls: list[tuple[str, Mapping[str, Any]]] = []
    drawn, seen = False, set[str]()
    for part in parts:
        found = _whole(re.sub(r"^(?:first|second|finally|next|also) (?:, )?", "", part), world)
        if not isinstance(found, Propose):
            return None
        for method, said in found.calls:
            if method == CREATE_RUN:
                selected = said["spec"].get("scenes", {}).get("scenes", ["all"])
                if seen & {*selected, "all"} or (seen and selected == ["all"]):
                    return None
                seen.update(selected)
        calls += found.calls
        drawn = drawn or found.random_seed
    methods = {method for method, _ in calls}
    if EXPORT in methods and methods & {CREATE_RUN, RETRY_RUN, ACCEPT, PROCESS}:
        return None
    return Propose(tuple(calls), random_seed=drawn)


def continued(before: str, slot: str, answer: str, world: World) -> Understood:
    """An answer to what was asked back: a sentence of its own, or the missing part of the one before."""
    if slot == exporting.SLOT and isinstance(whole := understand(exporting.completed(before, answer), world), Propose):
        return whole
    alone = understand(answer, world)
    if isinstance(alone, Propose | Read) or (isinstance(alone, Say) and alone.what != "lost"):
        return alone
    if slot == handing.SLOT:
        return handing.completed(before, answer)
    wide = {
        "scenes": ("{before} scenes {answer}", "{before} {answer}", "{before} for {answer}"),
        "stage": ("{before} stage {answer}", "{answer} {before}"),
        "candidates": ("{before} {answer} candidates each", "{before} with {answer}"),
        "seed": ("{before} seed {answer}", "{before} {answer}"),
        "model": ("{before} model {answer}", "{before} {answer}"),
        "place": ("{before} {answer}", "{before} to {answer}", "{before} to the {answer}"),
    }.get(slot, ("{before} {answer}", "{before} , {answer}"))
    for start in (before, _without(before, slot)):
        for form in (*wide, "{before} {answer}"):
            said = form.format(before=start.rstrip(" .!?"), answer=answer.strip().strip(".!?"))
            whole = understand(said, world)
            if isinstance(whole, Propose | Read):
                return whole
            if isinstance(whole, Ask) and whole.slot and whole.slot != slot:
                return whole
    return alone


def changed(before: str, answer: str, world: World) -> Understood:
    """A word on a card that was just shown, such as `make it 4 candidates` or `the same at night`.

    `before` is the order as `following.kept` keeps it, or a sentence that is one. What says nothing about the card is
    read as a sentence of its own.
    """
    call = following.called(before)
    if call is None:
        first = understand(before, world)
        if not isinstance(first, Propose) or len(first.calls) != 1:
            return understand(answer, world)
        call = first.calls[0]
    if len(answer) > MAX_CHARACTERS:
        return understand(answer, world)
    if (found := following.withdrawn(answer, world)) is not None:
        return found
    alone = understand(answer, world)
    if isinstance(alone, Propose) and not following.goes_on(answer):
        return alone
    if isinstance(alone, Read) or (isinstance(alone, Say) and alone.what not in ("beyond", "nothing_active")):
        return alone
    found = following.revised(call, answer, world)
    if found is None and (mended := spelling.mended(answer, world)) != Line(answer).text:
        found = following.revised(call, mended, world)
    return alone if found is None else found


def ordered(before: str, answer: str, world: World) -> Understood:
    """A word on a plan that was just told: `run it` proposes it, everything else is read as on a card."""
    call = following.called(before)
    if call is not None and following.agrees(answer):
        return Propose((call,), random_seed="seed" not in call[1].get("spec", {}))
    return changed(before, answer, world)


def _without(before: str, slot: str, world: World | None = None) -> str:
    """The sentence without the part that was asked about, such as `some candidates`, or a scene that is not there."""
    of_slot = {
        "scenes": (
            rf"(?:(?:on|for|over|in|to|of) )?(?:(?:the|all|some|these|those|of) )*(?:{NUM} )?{SCENE}(?: "
            rf"{NUM_OR_ORD}(?:(?:,| and|-| to) ?{NUM})*)?"
        ),
        "candidates": (
            rf"(?:(?:with|at|and) )?(?:\w+ )?{CANDIDATE}(?: or {NUM} {CANDIDATE})?(?: (?:each|apiece|per "
            rf"{SCENE}))?"
        ),
        "seed": r"(?:with )?(?:the |a )?(?:same |old |fixed )?seed(?: \d+)?",
        "model": r"(?:(?:with|using) )?(?:the )?(?:model [\w./-]+|[\w./-]+ model)",
        "stage": rf"(?:the )?(?:{stage_words(world)})(?: (?:lock|stage|pass))*" if world is not None else r"(?!)",
    }.get(slot)
    return before if of_slot is None else re.sub(rf"(?<!\S)(?:{of_slot})(?!\S)", " ", before, flags=re.IGNORECASE)


def _lost(line: Line, world: World) -> Understood:
    left = line.left()
    return Ask(
        f"I did not understand {quoted(left) or 'that'}. What shall I do?" + near(left),
        ("help", f"run {world.stages[0].id} on all scenes" if world.stages else "list scenes"),
        "",
    )
