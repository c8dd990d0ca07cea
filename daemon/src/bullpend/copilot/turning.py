"""Ways of saying that are brought to another one before a sentence is read: split verbs, and what they go around."""

from __future__ import annotations

import re

from bullpend.copilot.targets import POLITE, stage_words
from bullpend.copilot.words import SCENE, compiled
from bullpend.copilot.world import World

_FAULTS = r"(?:faults?|flaws?|defects?|errors?|mistakes?|problems?|issues|artefacts?|artifacts?)"
_TURNS: tuple[tuple[str, str], ...] = (
    # `cut scene 2 out of its background`
    (
        rf"^(?P<p>{POLITE})cut (?P<w>(?!out\b).+?) out(?: (?:of|from) (?:its|the|their|his|her) backgrounds?)?$",
        r"\g<p>cut out \g<w>",
    ),
    (
        rf"^(?P<p>{POLITE})(?:cut|lift|free|separate|extract) (?P<w>(?!out\b).+?) (?:out )?(?:of|from|off) "
        r"(?:its|the|their|his|her) backgrounds?$",
        r"\g<p>cut out \g<w>",
    ),
    (
        rf"^(?P<p>{POLITE})(?:take|get|strip|lift|clear|wipe|cut) (?:away )?(?:the |its )?backgrounds? (?:off|away|out)"
        r"(?: (?:from|of|in|on))?(?= )",
        r"\g<p>remove the background of",
    ),
    (
        rf"^(?P<p>{POLITE})(?:clear|wipe|cut|erase) (?:away )?the backgrounds? (?:of|from|in|behind)(?= )",
        r"\g<p>remove the background of",
    ),
    (rf"^(?P<p>{POLITE})make (?P<w>.+?) (?P<n>two|four|2|4) times (?:bigger|larger)$", r"\g<p>upscale \g<w> by \g<n>"),
    (
        rf"(?<!\S)(?:the |an? )?(?:accepted )?(?:pictures?|images?|versions?) of (?=(?:{SCENE}|§)(?!\S)|(?:{SCENE}) "
        rf"|§\d)",
        "",
    ),
    (
        rf"^(?P<p>{POLITE})(?:blow|scale|size) (?P<w>(?!up\b).+?) up (?:to |by )?(?P<n>two|four|2|4)(?: ?x| times)?"
        r"(?: (?:its|the|their) (?:size|resolution))?$",
        r"\g<p>upscale \g<w> by \g<n>",
    ),
    # quality
    (
        rf"^(?P<p>{POLITE})(?:have|take|give) (?:an? )?(?:good |quick |close |closer |proper )?look (?:at|over|"
        rf"through) "
        rf"(?P<w>.+?) for (?:any )?{_FAULTS}",
        r"\g<p>check the quality of \g<w>",
    ),
    (
        rf"^(?P<p>{POLITE})(?:check|inspect|review|search|examine|scan|go over|go through) (?P<w>.+?) for (?:any )?"
        rf"(?:{_FAULTS}|quality)$",
        r"\g<p>check the quality of \g<w>",
    ),
    (rf"^(?P<p>{POLITE})(?:look|search) for {_FAULTS} (?:in|of|on) ", r"\g<p>check the quality of "),
    (
        rf"^(?P<p>{POLITE})(?:qa|qc|quality[- ]?check|quality[- ]?control) (?=(?:the|my|our|this|that|last|run|"
        rf"r-\d)(?!\S))",
        r"\g<p>check the quality of ",
    ),
    # `give the wet street another coat of weather` is none of these.
    (r"(?<!\S)scene(?P<s>s?) (?:nos?|nrs?|numbers?)(?: \.)? (?=\d)", r"scene\g<s> "),
)


def turned(text: str) -> str:
    """The sentence in the way that is read."""
    for pattern, into in _TURNS:
        text = compiled(pattern).sub(into, text)
    return text


def lacking(text: str, world: World) -> tuple[str, str]:
    """`the scenes that have no weather yet` as their ids, and a question where there are none such."""
    stages = stage_words(world)
    verbs = (
        r"(?:lacks?|miss(?:es)?|needs?|have no|has no|(?:are|is) missing|(?:are|is) without|do not have|does not have|"
        r"have not got|has not got)"
    )
    some = rf"(?:all |of |the |those |every |any )*{SCENE}"
    of_scenes = (
        rf"{some} (?:that|which) (?:still )?{verbs}",
        rf"(?:whichever|whatever) {SCENE} (?:still )?{verbs}",
        rf"{some} (?:still )?(?:without|missing|lacking)",
    )
    found = re.search(
        rf"(?<!\S)(?:{'|'.join(of_scenes)}) (?:an? |any |the |their )?(?:accepted )?(?P<s>{stages})"
        rf"(?: (?:stage|pass))?(?: (?:{SCENE}|one|version))?(?: yet)?(?!\S)",
        text,
    )
    if found is None:
        return text, ""
    stage = next((s for s in world.stages if found["s"] in (s.id, s.title.lower(), *s.names)), None)
    slugs = [scene.slug for scene in world.scenes if stage is not None and stage.id not in scene.accepted]
    if not slugs or stage is None:
        return text, f"Every scene has an accepted picture of {found['s']}. Which scenes do you mean?"
    named = len(re.findall(rf"(?<!\S)(?:{stages})(?!\S)", text)) > 1
    after = "" if named else f" {stage.id}"
    return f"{text[: found.start()]}{' and '.join(slugs)}{after}{text[found.end() :]}", ""
