"""A run, or the plan of one: a stage over scenes, with what else was said about it."""

from __future__ import annotations

import re
from typing import Any

from bullpend.copilot import leftover, options, picking, staging, turning
from bullpend.copilot.targets import POLITE, own_name, stage_words, without_own_name
from bullpend.copilot.wishes import Ask, Propose, Read, Say, Understood
from bullpend.copilot.words import CANDIDATE, NUM, Line, either, several
from bullpend.copilot.world import World
from bullpend.instructions.model import CREATE_RUN

_VERBS = either(
    word.replace("_", " ")
    for word in several(
        """
    run rerun re-run start launch kick_off kick_of fire_up fire_off do redo re-do make remake create generate regenerate
    produce render re-render process execute perform apply begin queue queue_up enqueue schedule go_through take put
    give repeat refresh redraw re-draw repaint restyle relight work_on proceed try set_off trigger initiate submit
    draw paint bring turn convert change switch set add insert place move transform push send pass get have let
    prepare set_up compose update adjust stylize stylise style light carry_out hit roll spin_up knock_out crank_out
    whip_up cook_up finish complete handle cover populate shift alter modify use running doing making starting
    applying queueing rendering generating
    """
    )
)
_PLAN = (
    r"dry[- ]?run|plan|preview|estimate|simulate|only plan|just plan|show me the plan(?: for| of)?|plan out"
    r"|(?:what|how much)(?: money)? (?:would|will|does|do|is) (?:it |that |this |the )?(?:costs?|price|be the "
    r"cost)(?: be)?(?: (?:to|of|for|if (?:i|we|you)))?"
    r"|how (?:much|long|expensive) (?:would|will|does|do) (?:it |that |this |the )?(?:cost|take|last|be)?(?: "
    r"(?:to|for|if (?:i|we|you)))?"
    r"|(?:what (?:would |will )?happens? (?:if|when)|what if) (?:i|we|you)"
    r"(?: (?:ran|did|made|started|were to (?:run|do|make|start)))?|without (?:starting|"
    r"running) (?:it|anything)|do not (?:start|run) (?:it|anything)(?: yet)?|(?:as a )?dry run(?: only)?"
    r"|how (?:much|long) (?:a|an|the)? ?(?=\w+ (?:run|pass))"
)
_DONE = (
    "redone|done|made|remade|processed|rendered|generated|regenerated|started|applied|added|placed|rerun|"
    "restyled|relit|repeated|repainted"
)
_PATH = re.compile(r"(?:^|\s)[\"']?((?:~|\.{1,2})?/[^\s\"',;]+)")
# Words of a run that carry nothing beside its parts.
_EXTRA = frozenset(
    several(
        """
    through all-round whole batch scenes scene panels panel pictures images shots frames pages look it them they
    that of job work candidates candidate show going gets see another
    """
    )
)


def read(line: Line, world: World) -> Understood | None:
    """A run that is proposed or planned, or what is missing for it."""
    raw = line.raw
    between = rf"(?<!\S)({NUM}) ((?:{stage_words(world)})(?: lock)?) ({CANDIDATE})(?!\S)"
    whole, none = turning.lacking(without_own_name(line.text, world), world)
    if none:
        return Ask(none, (), "scenes")
    line = Line(re.sub(between, r"\2 \1 \3", picking.marked(whole, world)))
    if opening := re.match(
        r"(?:(?:i (?:think|guess|believe|suppose|feel)(?: that)? )|it is time (?:to|for) |next(?: ,)? |(?:we|you) "
        r"should )+",
        line.rest,
    ):
        line.remove(*opening.span())
    folder = _folder(line, raw)
    planned = _planned(line)
    if len(world.project) > 2:
        own_name(line, world)
    said = options.read(line, world)
    staged = staging.read(line, world)
    _by_variable(world, said, staged)
    verb = re.match(rf"{POLITE}(?:{_VERBS})(?= |$|\x00)", line.rest)
    if verb is not None:
        line.remove(0, verb.end())
    line.take(r"one (?:last|final|more|quick)")
    line.take(
        r"(?:with )?(?:the )?(?:default|usual|normal|standard)(?: (?:number|count|amount) of)?(?: candidates?|"
        r" settings?| values?)?"
    )
    line.take(r"(?:i|we) would (?:like|love)(?: to (?:have|see|get))?|(?:one|a single) (?:pass|run)(?: of)?")
    line.take(r"(?:the )?same(?= again)|look like|looking like")
    line.take(r"(?:should|must|ought to|needs? to|has to|have to) (?:now )?(?:be|become|look|get|have)")
    line.take(
        r"(?:would|will|should) be (?:good|nice|great|fine|lovely|perfect|ideal|best|enough|plenty)(?: for a start)?"
    )
    line.take(r"could (?:use|do with)(?: (?:some|a bit of|a little|more))?")
    line.take(r"once (?:more|again)|one more time|yet again|over again|anew|afresh|another time|a second time")
    line.take(r"(?:all )?(?:over )?(?:from (?:scratch|the (?:start|beginning)))|all over")
    while line.take(rf"(?:{_VERBS}|{_DONE}|also)(?= |$)"):
        pass
    picked = picking.Picker(world, line).pick(bare=bool(staged.ids))
    if said.every_scene and not picked.said:
        picked = picking.Picked(tuple(scene.slug for scene in world.scenes), everything=True, said=True)
    if not staged.ids and not (picked.said and (verb or planned or said.candidates)):
        return None
    for ask in _first_problem(line, world, said, staged, picked, folder):
        return ask
    stage = staged.ids[0]
    spec: dict[str, Any] = {"stage": stage}
    if folder:
        spec["inputFolder"] = folder
    else:
        spec["scenes"] = {} if picked.everything else {"scenes": [world.scene_name(slug) for slug in picked.slugs]}
    values = {**said.values, **staged.values.get(stage, {})}
    _fill(spec, world, said, values)
    if planned:
        return Read("plan", {"spec": spec})
    return Propose(((CREATE_RUN, {"spec": spec}),), random_seed=said.seed is None)


def _by_variable(world: World, said: options.Options, staged: staging.Staged) -> None:
    """`weather=snow` belongs to the stage that has this variable."""
    for stage in world.stages:
        own = {variable for variable, _ in stage.values.values()} & set(said.values)
        if own and not staged.stages:
            staged.values.setdefault(stage.id, {}).update({name: said.values[name] for name in own})


def _first_problem(
    line: Line, world: World, said: options.Options, staged: staging.Staged, picked: picking.Picked, folder: str
) -> list[Understood]:
    """What stands between the sentence and a run, the most telling question first."""
    ids = staged.ids
    if len(ids) > 1:
        return [Ask(f"One stage at a time: {' or '.join(ids)}?", tuple(ids), "stage")]
    strange = [stage for stage in staged.values if ids and stage != ids[0]]
    if strange:
        value = " ".join(staged.values[strange[0]].values())
        return [
            Ask(
                f"“{value}” is for the stage {strange[0]}. Shall I run {ids[0]} or {strange[0]}?",
                (ids[0], strange[0]),
                "stage",
            )
        ]
    if staged.conflict:
        return [Ask(f"{staged.conflict}? Which one shall it be?")]
    if said.question:
        return [Ask(said.question, tuple(said.choices), said.slot)]
    if not folder and not world.scenes:
        return [Say("no_scenes")]
    if picked.question:
        return [Ask(picked.question, tuple(picked.choices), "scenes")]
    if (ask := leftover.unread(line, _EXTRA)) is not None:
        return [ask]
    if folder and picked.said:
        return [Ask("Scenes of the project, or the folder?", ("all scenes", folder), "")]
    if not ids:
        return [Ask("Which stage?", tuple(stage.id for stage in world.stages), "stage")]
    if not folder and not picked.slugs:
        there = len(world.scenes)
        return [Ask("Which scenes?", (f"all {there} scenes", *(scene.slug for scene in world.scenes[:5])), "scenes")]
    return []


def _fill(spec: dict[str, Any], world: World, said: options.Options, values: dict[str, str]) -> None:
    """Puts what was said into a run's request."""
    if said.candidates is not None:
        spec["candidates"] = said.candidates
    if said.seed is not None:
        spec["seed"] = str(said.seed)
    if said.model:
        spec["model"] = said.model
    if said.style_guide:
        spec["styleGuide"] = f"projects/{world.project}/styleGuides/{said.style_guide}"
    if said.by_hand:
        spec["acceptance"] = "ACCEPTANCE_MANUAL"
    if said.priority is not None:
        spec["priority"] = said.priority
    sampling = {"steps": said.steps, "guidanceScale": said.guidance, "imageGuidanceScale": said.image_guidance}
    if given := {key: value for key, value in sampling.items() if value is not None}:
        spec["sampling"] = given
    if values:
        spec["variables"] = values


def _planned(line: Line) -> bool:
    """Whether only the plan is wanted; takes the words that say so."""
    if asked := re.match(
        r"(?:(?:and|so|ok|then) )*(?:what|how much|how long|how expensive)(?: (?:money|time))? (?:would|will|"
        r"does|do|is|might) (?=.*\b(?:costs?|take|last|be)\b)",
        line.rest,
    ):
        line.remove(*asked.span())
        line.take(r"(?:it |that |this )?(?:costs?|take|last|be)(?: (?:me|us))?(?: (?:to|for|if (?:i|we|you)))?")
        line.take(r"(?:to|it)")
        return True
    planned = False
    while line.take(_PLAN):
        planned = True
    return planned


def _folder(line: Line, raw: str) -> str:
    """A folder's path as it was written; the line is in lower case."""
    found = _PATH.search(raw)
    if found is None:
        return ""
    lead = r"(?:(?:on|over|for|in|from|of|the|my|all|pictures|images|photos|folder|directory|path|everything) )*"
    line.take(rf"{lead}\"?{re.escape(found[1].lower())}\"?(?: (?:folder|directory))?")
    return found[1]
