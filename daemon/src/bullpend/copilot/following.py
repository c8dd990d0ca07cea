"""What is said about a card that was just shown: another number, other scenes, the same with something else.

The order is kept as the call that it became, so that any number of changes can follow each other. Only what says
clearly which part it replaces, adds to or takes away from is taken; all else is read as a sentence of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from bullpend.copilot import exporting, leftover, options, picking, reviewing, staging, syncing
from bullpend.copilot.wishes import Ask, Propose, Say, Understood
from bullpend.copilot.words import NUM, Line, number, several
from bullpend.copilot.world import World
from bullpend.instructions import model

Call = tuple[str, Mapping[str, Any]]

_LEAD = (
    r"(?:(?:no|nope|nah|hm+|but|and|ok|okay|wait|sorry|oh|actually|instead|rather|please|then|so|well|let us|i meant?|"
    r"i said|could you|can you|would you|you|i would (?:rather|like|prefer)|i want|better|prefer|now|just|only|do|"
    r"run|go|"
    r"make|take|have|give me|try|change|set|switch|turn|put|let|it|that|this|them|to|on|for|in|at|a|an|the|"
    r",|\.) )*"
)
_ALSO = r"(?:also|too|as well|in addition|plus|add|include|including|additionally|along with)"
_NOT = (
    r"(?:without|except(?: for)?|but not|not|minus|skip|drop|leave out|leaving out|remove|omit|exclude|excluding|"
    r"take out)"
)
_SAME = (
    r"(?:(?:(?:and )?(?:now )?(?:do |run |make )?(?:exactly )?(?:the )?same(?: (?:thing|again|order|run|stage|pass|"
    r"one))*)"
    r"|(?:and )?(?:do |run )?(?:that|it|this) (?:again|once more|too))"
)
_WITHDRAW = re.compile(
    r"(?:(?:no|oh|ok|okay|please|wait|hm+|,|sorry|actually|on second thoughts?) )*(?:cancel|scrap|drop|forget|"
    r"discard|undo|stop|kill|abort|"
    r"withdraw|leave|delete|remove|skip|scratch) (?:that|it|this|that one|this one|that card|the last one|that order|"
    r"the card|my last|what i said)(?: (?:please|again|then|now|for now|instead|card|one|order))*"
    r"|(?:no )*(?:do not|rather not|better not)(?: do (?:it|that))?|(?:changed|i have changed|i changed) my mind"
)
_ENOUGH = (
    rf"(?P<n>{NUM}) (?:will do|would do|is enough|are enough|is plenty|are plenty|suffices?|is fine|are fine)"
    rf"|make (?:it|that) (?P<m>{NUM})(?= ?[.!]?$)"
)
_EXTRA = frozenset(
    several(
        """
    also too as well only just instead rather actually make it use them that this those with scene scenes panel panels
    candidates then same thing again do run and change set stage please switch turn into be add include but
    """
    )
)


def kept(calls: tuple[Call, ...]) -> str:
    """An order as it is kept until the next message; empty where it is not one call."""
    return json.dumps(calls[0]) if len(calls) == 1 else ""


def called(text: str) -> Call | None:
    """The order that was kept; None where the text is a sentence."""
    try:
        method, said = json.loads(text)
    except (ValueError, TypeError):
        return None
    return (str(method), said) if isinstance(said, dict) else None


def withdrawn(text: str, world: World) -> Understood | None:
    """`cancel that`, just after a card: the card is meant, unless something runs that could be meant as well."""
    if _WITHDRAW.fullmatch(Line(text).text.rstrip(" .!")) is None:
        return None
    if not world.active:
        return Say("decline")
    runs = tuple(f"cancel {run.slug}" for run in world.active[:5])
    return Ask("The card? `n` on it cancels it; nothing was started. Or shall I cancel what is running?", runs, "")


def goes_on(text: str) -> bool:
    """Whether a whole order speaks of the one before: `no, style on scene 2 instead`, `the same for scene 3`."""
    return re.search(r"(?<!\S)(?:same|instead|rather)(?!\S)", Line(text).text) is not None


def agrees(text: str) -> bool:
    """Whether a plan is wanted as it was told."""
    said = Line(text).text.rstrip(" .!")
    return (
        re.fullmatch(
            r"(?:(?:ok|okay|yes|yeah|yep|sure|good|great|fine|please|then|and|now|,|so|well|looks good|sounds good|"
            r"alright) ?)*"
            r"(?:(?:let us )?(?:run|do|start|make|queue|propose|launch|go for|go with) (?:it|that|this)|go ahead|go|"
            r"do so|yes|"
            r"yes please|yep|sure|ok|okay)(?: (?:then|please|now|like that|as planned))*",
            said,
        )
        is not None
    )


def revised(call: Call, text: str, world: World) -> Understood | None:
    """The order with what the text says; None where the text says nothing about it."""
    method, said = call
    if method == model.CREATE_RUN:
        return _run(said, text, world)
    if method == model.PROCESS:
        return _process(said, text, world)
    if method == model.SYNC:
        return _sync(said, text, world)
    if method == model.EXPORT:
        return _export(said, text, world)
    if method == model.ACCEPT:
        return _accept(said, text, world)
    return None


# --- a run -----------------------------------------------------------------------------------------------------------


def _run(said: Mapping[str, Any], text: str, world: World) -> Understood | None:
    line = Line(picking.marked(Line(text).text, world))
    if re.match(r"(?:please )?(?:run|start|launch|queue|do|render|generate|begin)(?!\S)", line.text) and not goes_on(
        text
    ):
        return None
    same = line.take(_SAME) is not None
    also = line.take(_ALSO) is not None
    while line.take(_ALSO):
        pass
    less = None if also else line.find(_NOT)
    # `scenes 2 to 5 but not 4` says which scenes; `without scene 4` says which of those before.
    taken_away = less is not None and re.fullmatch(_LEAD.rstrip("*") + "*", line.rest[: less.start()]) is not None
    if less is not None and taken_away:
        line.remove(*less.span())
    line = Line(re.sub(r"\x00+", " ", line.rest).strip())
    while line.take(r"(?:, )?(?:instead|rather|actually|after all)(?: of that)?"):
        pass
    enough = line.take(_ENOUGH)
    lead = re.match(_LEAD, line.rest)
    if lead is not None and lead.end():
        line.rest = line.rest[lead.end() :]
    if re.search(r"(?<!\S)more(?!\S)", line.rest):
        return None
    more = options.read(line, world)
    staged = staging.read(line, world)
    picked = picking.Picker(world, line).pick(bare=False)
    if picked.question:
        return Ask(picked.question, tuple(picked.choices), "") if same or also or taken_away else None
    if more.question or staged.conflict or len(staged.ids) > 1 or leftover.unread(line, _EXTRA) is not None:
        return None
    if (
        enough is not None
        and more.candidates is None
        and 1 <= (many := number(enough["n"] or enough["m"])) <= world.candidate_cap
    ):
        more.candidates = many
    spec = dict(said.get("spec", {}))
    if also or taken_away:
        if not picked.said or more.candidates is not None or staged.ids:
            return None
        found = _other_scenes(spec, picked, world, add=also)
        return found if isinstance(found, Ask) else _again({**spec, "scenes": found}, said, world, same)
    changed = _parts(spec, more, staged, world)
    if picked.said:
        changed["scenes"] = {} if picked.everything else {"scenes": [world.scene_name(slug) for slug in picked.slugs]}
        changed.pop("inputFolder", None)
    if changed == spec and not same:
        return None
    return _again(changed, said, world, same)


def _again(spec: Mapping[str, Any], said: Mapping[str, Any], world: World, same: bool) -> Understood | None:
    if spec == said.get("spec") and same:
        return None
    return Propose(((model.CREATE_RUN, {**said, "spec": dict(spec)}),), random_seed="seed" not in spec)


def _parts(spec: Mapping[str, Any], more: options.Options, staged: staging.Staged, world: World) -> dict[str, Any]:
    """The order with what was said beside scenes."""
    made = dict(spec)
    values = dict(made.get("variables", {}))
    if staged.ids and staged.ids[0] != made.get("stage"):
        made["stage"] = staged.ids[0]
        values = {}
    values |= staged.values.get(made.get("stage", ""), {}) | more.values
    for key, value in (
        ("candidates", more.candidates),
        ("seed", str(more.seed) if more.seed is not None else None),
        ("model", more.model or None),
        ("styleGuide", f"projects/{world.project}/styleGuides/{more.style_guide}" if more.style_guide else None),
        ("priority", more.priority),
        ("acceptance", "ACCEPTANCE_MANUAL" if more.by_hand else None),
    ):
        if value is not None:
            made[key] = value
    if more.random_seed:
        made.pop("seed", None)
    steps = {"steps": more.steps, "guidanceScale": more.guidance, "imageGuidanceScale": more.image_guidance}
    if given := {key: value for key, value in steps.items() if value is not None}:
        made["sampling"] = {**made.get("sampling", {}), **given}
    if values:
        made["variables"] = values
    else:
        made.pop("variables", None)
    return made


def _other_scenes(spec: Mapping[str, Any], picked: picking.Picked, world: World, *, add: bool) -> dict[str, Any] | Ask:
    every = [world.scene_name(scene.slug) for scene in world.scenes]
    if "inputFolder" in spec:
        return Ask("The run is over a folder, not over scenes. Which scenes shall it take?", (), "")
    before = spec.get("scenes", {}).get("scenes", every)
    named = {world.scene_name(slug) for slug in picked.slugs}
    if not add and not named <= set(before):
        return Ask("Not all of these are among the scenes of the card. Which ones shall it take?", (), "")
    if add and named <= set(before):
        return Ask("The card takes these already. What else shall it take?", (), "")
    after = [
        name for name in every if (name in before or name in named if add else name in before and name not in named)
    ]
    if not after:
        return Ask("No scene is left then. Which ones do you mean?", (), "")
    return {} if after == every else {"scenes": after}


# --- others ----------------------------------------------------------------------------------------------------------


def _process(said: Mapping[str, Any], text: str, world: World) -> Understood | None:
    """Another size, another profile or another scene, for one step over accepted pictures."""
    steps: Mapping[str, Any] = said.get("postProcess", {})
    if len(steps) != 1:
        return None
    ((step, values),) = steps.items()
    assets = [scene.slug for scene in world.scenes if set(scene.accepted.values()) & set(said.get("assets", []))]
    line = Line(picking.marked(Line(text).text, world))
    line.take(_SAME)
    line = Line(re.sub(r"\x00+", " ", line.rest).strip())
    lead = re.match(_LEAD, line.rest)
    rest = line.rest[lead.end() :] if lead is not None else line.rest
    rest = re.sub(r"(?: (?:instead|rather|please|then|too|as well|[.!]))+$", "", rest)
    if re.search(r"(?<!\S)(?:too|as well|also)(?!\S)", text) or not rest:
        return None
    where = " and ".join(assets)
    orders = {
        "upscale": (f"upscale {where} by {rest}", f"upscale {rest} by {values.get('scale', 2)}"),
        "color": (f"apply {rest} to {where}", f"apply {values.get('profile', '')} to {rest}"),
        "cutout": (f"cut out {rest}",),
        "refine": (f"refine {rest}",),
    }.get(step, ())
    found = [reviewing.read(Line(order), world) for order in orders]
    fitting = [wish for wish in found if isinstance(wish, Propose) and wish.calls != ((model.PROCESS, said),)]
    fitting = [wish for wish in fitting if set(wish.calls[0][1].get("postProcess", {})) == {step}]
    return fitting[0] if len(fitting) == 1 else None


def _sync(said: Mapping[str, Any], text: str, world: World) -> Understood | None:
    """Another place."""
    line = Line(text)
    raw = re.sub(r"(?i)^(?:(?:no|but|and|ok|okay|actually|rather|please|wait|sorry|better)\b[ ,]*)+", "", line.raw)
    raw = re.sub(r"(?i)[ ,]*\b(?:instead|rather|please)\b[ .!]*$", "", raw)
    found = syncing.read(Line(f"sync everything {raw}"), world)
    if not isinstance(found, Propose) or found.calls[0][1] == said:
        return None
    return found


def _export(said: Mapping[str, Any], text: str, world: World) -> Understood | None:
    """Another format, other scenes, another place; scenes more or fewer."""
    words = Line(text)
    also = words.find(_ALSO) is not None
    less = None if also else re.match(rf"{_LEAD}(?:{_NOT})(?= )", words.text)
    spec: Mapping[str, Any] = said.get("spec", {})
    if also or less is not None:
        line = Line(picking.marked(words.text[less.end() :] if less is not None else words.text, world))
        while line.take(_ALSO):
            pass
        picked = picking.Picker(world, line).pick()
        if not picked.said or picked.question or leftover.unread(line, _EXTRA) is not None:
            return None
        before = {"scenes": {"scenes": spec["scenes"]}} if "scenes" in spec else {}
        found = _other_scenes(before, picked, world, add=also)
        if isinstance(found, Ask):
            return found
        rest = {key: value for key, value in spec.items() if key != "scenes"}
        return Propose(((model.EXPORT, {"spec": {**rest, **found}}),))
    raw = re.sub(rf"(?i)^{_LEAD}", "", words.raw)
    raw = re.sub(r"(?i)[ ,]*\b(?:instead|rather|please)\b[ .!]*$", "", raw)
    return exporting.revised(said, raw, world)


def _accept(said: Mapping[str, Any], text: str, world: World) -> Understood | None:
    """Another candidate of the same job."""
    found = re.fullmatch(
        r"(?:(?:no|but|actually|rather|sorry|wait|please|take|i meant?|,|make it|make that|use|the|candidate|"
        rf"number) )*(?P<n>{NUM}|first|second|third|fourth|fifth|sixth)(?: (?:one|candidate|instead|rather|please))*",
        Line(text).text.rstrip(" .!"),
    )
    if found is None or re.fullmatch(NUM, text.strip()):
        return None
    job = str(said.get("name", "")).partition("/candidates/")[0]
    place = number(found["n"])
    for run in world.runs:
        for one in (one for of in run.jobs if of.name == job for one in of.candidates):
            if one.name.endswith(f"/c-{place}") and one.state == "SUCCEEDED":
                return Propose(((model.ACCEPT, {**said, "name": one.name}),))
    return Ask(f"There is no finished candidate {place} there. Which one shall I accept?", (), "")
