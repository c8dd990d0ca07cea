"""Questions: why something failed, how far it is, what it costs, what there is. They are looked up at once."""

from __future__ import annotations

import re
from typing import Any

from bullpend.copilot import picking, turning
from bullpend.copilot.targets import POLITE, stage_called, stage_words, take_run
from bullpend.copilot.wishes import Ask, Read, Understood
from bullpend.copilot.words import CANDIDATE, NUM, SCENE, Line
from bullpend.copilot.world import World

_SHOW = (
    r"list|show(?: me| us)?|display|tell (?:me|us)(?: about)?|what|which|how many|see|print|name|view|are "
    r"there|is there|do (?:we|i|you) have|let me see|who|where"
    r"|give me (?:a |an |the )?(?:list|overview|summary|rundown|status)(?: of)?|i (?:want|would like) to see|"
    r"describe|read(?: me)?|open|summari[sz]e|explain|overview of|look at|count"
)
_KINDS: tuple[tuple[str, str], ...] = (
    ("instructions", r"instructions?|proposals?|drafts?|cards?|pending (?:instructions|confirmations)"),
    ("style_guides", r"style ?-?guides?"),
    ("templates", r"(?:prompt )?templates?"),
    ("references", r"reference(?: |-)?sets?|references"),
    ("candidates", CANDIDATE),
    ("loras", r"loras?"),
    ("models", r"(?:installed |available |local )?models?|checkpoints?|networks"),
    ("devices", r"devices?|gpus?|hardware|cards"),
    ("stages", r"stages?|passes|pipeline"),
    ("runs", r"runs?|history|(?:past|recent|previous) (?:runs|work)"),
    ("assets", r"assets?|files"),
    ("projects", r"projects|universes"),
    ("characters", r"characters?|cast|people|protagonists|actors|figures"),
    ("scenes", SCENE),
    ("story", r"story|plot|synopsis"),
)
_EXPORTS = re.compile(
    rf"(?:{_SHOW}|status|progress|how|is|are|did|has|have|when|any)(?!\S).*(?<!\S)export(?:s|ed)?(?!\S).*|"
    r"(?:the |my |all )*exports"
)
_WHY = (
    r"why|how come|what (?:went wrong|goes wrong|happened|is wrong|was wrong|failed|broke|is the (?:problem|"
    r"matter|reason|error|issue)|was the (?:problem|reason|error|issue|matter|cause)|caused)"
    r"|for what reason|(?:explain|tell me|show me|say|give me)(?: me)? (?:why|what (?:went wrong|happened|"
    r"failed)|the (?:error|reason|failures?|problem|cause)s?)|explain the (?:failure|error|problem)s?"
    r"|which (?:ones?|scenes?|panels?|jobs?|pictures?|images?|candidates?|runs?) (?:have )?failed|(?:did|has|"
    r"have) anything (?:fail|gone wrong|failed|break|broken|crashed?|go wrong)|what is the cause|any (?:errors|"
    r"failures|problems)|reason for|"
    r"show (?:me )?(?:the )?(?:errors?|failures?)|(?:list|what are) (?:the )?(?:errors?|failures?)"
)
_STATUS = (
    r"status(?: .*)?|progress(?: .*)?|how far(?: .*)?|what (?:is|are you) (?:running|going on|happening|doing|"
    r"being made|in the queue|queued|the status|the progress|active|up)(?: .*)?|how is (?:it|the run|"
    r"everything|that|the \w+ run|my run|the queue)(?: .*)?"
    r"|(?:is|are) (?:it|the run|they|you|that|the \w+ run|everything|anything|something|the job|the jobs|my "
    r"run)(?: still)? (?:done|finished|ready|running|complete|completed|over|working|going|queued|busy|still "
    r"running)(?: .*)?"
    r"|(?:show|list|what is|display|see|print)(?: me)?(?: in)? (?:the |my )?(?:current )?(?:queue|progress|"
    r"status|state)(?: .*)?|queue|(?:the )?queue status|eta|when (?:will|is) (?:it|the run|this|that)(?: be)? "
    r"(?:done|finished|ready|over|complete|finish|end)(?: .*)?"
    r"|(?:check|see|tell me|let me know|find out|say) (?:if|whether|how far|how) .*"
    r"|how (?:long|much longer|much time)(?: (?:will|does|is|until|till|left|remaining|do|until it|more).*)?|"
    r"(?:is |are )?(?:there )?(?:anything|something|what|who|anyone|any jobs|any runs) (?:is |are )?(?:still "
    r")?(?:waiting|queued|pending|going on|happening)(?: .*)?|how many (?:jobs|runs|pictures) (?:are )?(?:left|"
    r"running|waiting|queued|remaining|in the queue)(?: .*)?"
    r"|(?:did|has|have) (?:it|the run|the \w+ run|everything) (?:finish|finished|end|ended|complete|completed|"
    r"work|worked|succeed|succeeded)(?: .*)?|anything running|what is up|any progress|any news|are we (?:done|"
    r"there)(?: .*)?|time left|where (?:are we|do we stand|does .* stand)(?: .*)?"
)
_COST = (
    r"(?:(?:what|how much)\b.*\b(?:costs?|spent|spend|paid|pay|price|expenses?|bill|money|gpu (?:time|"
    r"seconds)|device (?:time|seconds)|budget)\b.*)"
    r"|(?:(?:show|list|give|tell|display|see|print)\b.*\b(?:costs?|spending|spent|expenses?|bill|budget|"
    r"ledger|gpu (?:time|seconds)|device (?:time|seconds))\b.*)|(?:the |total |my )*costs?(?: so far| please| "
    r"today| .*)?|spending(?: .*)?|expenses|bill|ledger|how expensive .*|budget|(?:total )?(?:cost|spend|"
    r"expenses?)(?: .*)?"
)


def read(line: Line, world: World) -> Understood | None:
    """What is to be looked up, or None where it is no question."""
    said = re.sub(r"(?: [.!?,;])+$", "", line.text)
    text = re.sub(rf"^{POLITE}", "", said)
    if (found := _takes(text, world)) is not None:
        return found
    if _EXPORTS.fullmatch(text):
        return Read("list", {"kind": "exports"})
    if re.search(
        r"^(?:what|how) .*\bhappens?\b|\b(?:would|will|does) .*\b(?:cost|take|happen)\b|\bwhat if\b|"
        r"^how expensive (?:would|will)\b|^(?:dry|"
        r"plan|preview|estimate|simulate)\b",
        text,
    ) and _names_stage(text, world):
        return None
    for reader in (_why, _left, _who, _quality, _cost, _status, _metrics, _list):
        found = reader(text, world)
        if found is not None:
            return found
    # `can we have weather on scene 2` wishes; `has weather run on scene 2` asks.
    if re.match(
        r"(?:(?:is|are|did|does|has|was|were)|have (?:you|we|they|i|any|all .* been))(?!\S)", said
    ) and _names_stage(text, world):
        return Read("status", {"run": _about_run(Line(text), world)})
    return None


def _names_stage(text: str, world: World) -> bool:
    return re.search(rf"(?<!\S)(?:{stage_words(world)})(?!\S)", text) is not None


def _scenes_of(text: str, world: World) -> tuple[tuple[str, ...], Line, Ask | None]:
    line = Line(picking.marked(text, world))
    picked = picking.Picker(world, line).pick()
    ask = Ask(picked.question, tuple(picked.choices), "scenes") if picked.question else None
    return picked.slugs, line, ask


def _about_run(line: Line, world: World) -> str:
    if line.find(r"r-\d+[\w-]*|run") is None:
        return ""
    target = take_run(line, world, list(world.runs), "look at")
    return target.run.name if target.run is not None else ""


def _why(text: str, world: World) -> Understood | None:
    if not re.match(rf"(?:{_WHY})(?!\S)", text):
        return None
    slugs, line, ask = _scenes_of(text, world)
    if ask is not None:
        return ask
    about: dict[str, Any] = {"scenes": slugs, "run": _about_run(line, world)}
    if stage := line.find(rf"(?:{stage_words(world)})"):
        about["stage"] = stage_called(stage[0], world)
    if place := re.search(rf"(?<!\S){CANDIDATE} (?:number )?({NUM})(?!\S)", text):
        about["candidate"] = place[1]
    return Read("why", about)


def _left(text: str, world: World) -> Understood | None:
    """`what is left to do in the weather stage`, `which scenes still lack style`, `is weather finished everywhere`."""
    stages = rf"(?<!\S)(?P<s>{stage_words(world)})(?!\S)"
    missing = (
        r"\b(?:lacks?|miss(?:es|ing)?|needs?|have no|has no|without|do not have|does not have|have not|has not|not "
        r"done|"
        r"waits? for|want|left|remain(?:s|ing)?|to do|missing|outstanding|open|undone|unfinished|not finished|still)\b"
    )
    asks = r"(?:what|which|how many|how much"
    forms = (
        rf"{asks}|list|show(?: me)?|are there|is there|anything|is anything)\b.*{missing}.*{stages}.*",
        rf"{asks}|anything|is anything|is there anything)\b.*{stages}.*{missing}.*",
        r"(?:what|how much|what work) (?:is|else is) (?:still )?(?:left|to do|missing|open|outstanding|remaining|"
        r"undone)"
        r"(?: (?:to do|to be done|here|now|then|open|in (?:the|this) (?:project|universe|story|book)))*",
        r"what (?:remains|is there)(?: (?:to do|to be done|left))+|what (?:comes|is) next|what next",
    )
    if re.search(r"(?<!\S)(?:runs?|jobs?|queue|time)(?! and light)(?!\S)", text):
        return None
    for form in forms:
        found = re.fullmatch(form, text)
        if found is not None:
            named = found.groupdict().get("s")
            return Read("left", {"stage": stage_called(named, world)} if named else {})
    return None


def _takes(text: str, world: World) -> Understood | None:
    """`how long will the weather run take`, where such a run is on its way."""
    if re.match(r"(?:how (?:long|much longer)|when) (?:will|does|is|do|can)(?!\S)", text) is None:
        return None
    line = Line(text)
    if not re.search(rf"(?:the|my|our|that|this) (?:{stage_words(world)}) (?:run|job|batch)|r-\d+", text):
        return None
    target = take_run(line, world, list(world.active), "look at")
    return Read("status", {"run": target.run.name}) if target.run is not None else None


def _who(text: str, world: World) -> Understood | None:
    if not re.match(
        r"(?:who|what|describe|tell|show|where|which|in which|in what|what does|how does|read|introduce|"
        r"summari[sz]e|explain|look at|open)(?!\S)",
        text,
    ):
        return None
    for slug, title in world.characters.items():
        names = {slug.lower(), title.lower(), title.lower().split()[0] if title else slug}
        for name in names:
            if re.search(rf"(?<!\S){re.escape(name)}(?:'s)?(?!\S)", text):
                if re.search(rf"(?<!\S){SCENE}(?!\S)|appears? in|is in", text):
                    return Read("list", {"kind": "scenes", "character": slug})
                return Read("character", {"character": slug})
    return None


def _quality(text: str, world: World) -> Understood | None:
    asked = re.match(rf"(?:{_SHOW}|how (?:good|bad|well)|is|are|any|quality|qa|findings|how)(?!\S)", text)
    if re.match(r"(?:an? )?(?:qa|quality) (?:check|control|pass)(?! (?:results?|report))", text):
        return None
    if turning.turned(text).startswith("check the quality"):
        return None
    if asked is None or not re.search(
        r"(?<!\S)(?:quality|qa|findings?|warnings?|pass rate|drift|how (?:good|bad|well)|flagged|defects?)(?!\S)", text
    ):
        return None
    _, line, _ = _scenes_of(text, world)
    return Read("quality", {"run": _about_run(line, world)})


def _cost(text: str, world: World) -> Understood | None:
    return Read("cost", {"run": _about_run(Line(text), world)}) if re.fullmatch(_COST, text) else None


def _status(text: str, world: World) -> Understood | None:
    return Read("status", {"run": _about_run(Line(text), world)}) if re.fullmatch(_STATUS, text) else None


def _metrics(text: str, world: World) -> Understood | None:
    busy = (
        r"(?:gpu|vram|memory|ram|cpu|temperature|utili[sz]ation|load|disk)(?: (?:usage|load|use|status|"
        r"temperature|utili[sz]ation|free|left))?"
    )
    if re.fullmatch(
        rf"(?:(?:{_SHOW}|how (?:much|hot|busy|full))(?: .*)? )?{busy}(?: .*)?|metrics|system (?:status|"
        rf"metrics)|which models? (?:is|are) (?:loaded|resident|in memory)|(?:what is|models) (?:loaded|in "
        rf"memory)|ps",
        text,
    ):
        return Read("metrics")
    return None


def _list(text: str, world: World) -> Understood | None:
    begins = re.match(rf"(?:{_SHOW})(?!\S)", text)
    for kind, noun in _KINDS:
        if (
            kind == "models"
            and begins is not None
            and re.search(r"(?<!\S)(?:loaded|resident|in memory|warm) *\??$", text)
        ):
            return Read("metrics")
        alone = re.fullmatch(rf"(?:(?:give|show|get) (?:me|us) )?(?:the |all |my |all the )?(?:{noun})", text)
        if not alone and (begins is None or not re.search(rf"(?<!\S)(?:{noun})(?!\S)", text)):
            continue
        if alone and not text.endswith(("s", "cast", "history", "story", "people", "pipeline", "plot", "synopsis")):
            continue
        if (
            kind == "candidates"
            and re.search(rf"(?<!\S){NUM} {CANDIDATE}", text)
            and not re.match(r"(?:how many|which|what)", text)
        ):
            return None
        return _listed(kind, text, world)
    slugs, _, ask = _scenes_of(text, world)
    if begins is not None and slugs:
        return ask or Read("scene", {"scenes": slugs})
    return None


def _listed(kind: str, text: str, world: World) -> Understood:
    about: dict[str, Any] = {"kind": kind}
    if kind == "runs":
        for state, words in (
            ("failed", "failed|broken"),
            ("active", "active|running|current|queued"),
            ("finished", "finished|done|succeeded|completed"),
        ):
            if re.search(rf"(?<!\S)(?:{words})(?!\S)", text):
                about["state"] = state
        run = _about_run(Line(text), world) if re.search(r"r-\d+|(?:last|latest|newest|run) (?:run|\d+)", text) else ""
        return Read("run", {"run": run}) if run else Read("list", about)
    if kind == "scenes" and re.search(r"(?<!\S)(?:failed|broken|failing)(?!\S)", text):
        return Read("why", {"scenes": (), "run": ""})
    if kind in ("scenes", "candidates", "story"):
        slugs, line, ask = _scenes_of(text, world)
        every = len(slugs) == len(world.scenes)
        if kind == "candidates":
            return ask or Read("candidates", {"scenes": slugs, "run": _about_run(line, world)})
        if slugs and not every:
            return ask or Read("scene", {"scenes": slugs})
    return Read("list", about)
