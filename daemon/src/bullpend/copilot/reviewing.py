"""Orders about finished pictures: accept, post-process, check the quality."""

from __future__ import annotations

import re
from typing import Any

from bullpend.copilot import leftover, picking, turning
from bullpend.copilot.targets import POLITE, begins, stage_called, stage_words, take_run
from bullpend.copilot.wishes import Ask, Propose, Say, Understood
from bullpend.copilot.words import CANDIDATE, NUM, ORD, SCENE, Line, number
from bullpend.copilot.world import JobWords, RunWords, World
from bullpend.instructions import model

_TAKE = (
    r"i choose|i pick|i take|i accept|accept|take|pick|choose|select|approve|use|prefer|keep|go with|i like|i "
    r"prefer|settle on|mark|make|set|"
    r"let us go with|promote|crown"
)
_PROCESS = (
    r"background removal|upscaling|colou?r grading|upscale|up-scale|enlarge|blow up|scale|cut out|cutout|cut|"
    r"remove|isolate|colou?r|colou?r-?grade|grade|"
    r"post-?process|postprocess|apply|run|do|make|refine|give|double|quadruple|perform|"
    r"get rid of|erase|delete|drop|strip|take (?:out|off|away)|knock out|use|put|"
    r"[24] ?x|(?:cinematic|warm|cold|neutral)(?= )"
)
_QUALITY = r"(?:qa|quality|quality control|qc|quality assurance)"


def read(line: Line, world: World) -> Understood | None:
    """What is proposed, or None where it is no such order."""
    text = _order_first(turning.turned(picking.marked(line.text, world)))
    for reader in (_accept, _process, _check):
        found = reader(Line(text), world)
        if found is not None:
            return found
    return None


def _order_first(text: str) -> str:
    """`scene 2 : cut out` as `cut out of scene 2`."""
    headed = re.fullmatch(rf"(?P<s>(?:the )?(?:{SCENE} [\w ,-]+|§\d+)) : (?P<o>(?:{_PROCESS})(?: .*)?)", text)
    return f"{headed['o']} of {headed['s']}" if headed else text


def _accept(line: Line, world: World) -> Understood | None:
    if line.find(rf"{NUM} {CANDIDATE}(?: (?:each|per|for each|apiece|for every))") is not None:
        return None
    took = begins(line, _TAKE) or line.take(rf"(?:{_TAKE})(?= (?:the )?(?:{CANDIDATE}|{ORD}|number|c-))")
    reason = re.search(r"(?: ,)? (?:because(?: of)?|since|reason :?|as it|because it|for its) (?P<r>.+)$", line.text)
    why = ""
    if reason is not None:
        why = reason["r"].strip()
        line.remove(reason.start(), len(line.rest))
    wins = line.take(
        r"(?:wins?|is (?:the |my )?(?:best|winner|better|keeper|favou?rite|it|good|fine)(?: one)?|it is|"
        r"should win|looks best|please)"
    )
    named = line.take(
        r"(?:(?:the )?candidate "
        r")?(?:projects/[\w-]+/runs/)?(?P<r>r-\d+[\w-]*)/(?:jobs/)?(?P<j>j-\d+)/(?:candidates/)?(?P<c>c-\d+)"
    )
    if named is not None and (took or wins):
        return _by_name(line, world, named, why)
    best = (
        line.take(rf"(?:the )?(?:best|top|highest[- ]ranked|winning)(?: {CANDIDATE}| one)?(?= (?:of|for|from|in) )")
        if took
        else None
    )
    if best is not None:
        return Ask("The ranking has its own best already. Which candidate shall I accept?", (), "")
    count = (
        line.take(rf"(?:the )?{CANDIDATE} (?:number |no |nr |# ?|c-)?#?(?P<n>{NUM})(?! {SCENE})")
        or line.take(rf"(?:the )?(?P<n>{ORD}) (?:{CANDIDATE}{'|one' if took or wins else ''})")
        or line.take(r"c-(?P<n>\d{1,2})")
        or (line.take(rf"(?:the )?(?:number |# ?|no )(?P<n>{NUM})(?= (?:for|of|from|in|as|on)|$)") if took else None)
    )
    if count is None or not (took or wins or line.find(rf"{SCENE}") is not None):
        return None
    if not took and not wins and line.find(r"run|style|pass") is not None:
        return None
    place = number(count["n"])
    stage = line.take(rf"(?:(?:of|in|from|for|as) )?(?:the )?(?P<s>{stage_words(world)}) (?:stage|pass|run|lock)")
    target = take_run(line, world, list(world.runs), "look at") if line.find(r"r-\d+[\w-]*|run") is not None else None
    line.take(
        r"(?:as|for) (?:the )?(?:winner|picture|final(?: picture| one)?|result|best)(?: (?:of|for))?|instead|"
        r"as accepted|the winner"
    )
    picked = picking.Picker(world, line).pick(bare=True)
    if picked.question:
        return Ask(picked.question, tuple(picked.choices), "scenes")
    if (ask := leftover.unread(line)) is not None:
        return ask
    if target is not None and target.ask is not None:
        return target.ask
    if not picked.slugs:
        return Ask("Of which scene?", tuple(scene.slug for scene in world.scenes[:8]), "scenes")
    runs = [target.run] if target is not None and target.run is not None else list(world.runs)
    if stage is not None:
        runs = [run for run in runs if run.stage == stage_called(stage["s"], world)]
    calls = []
    for slug in picked.slugs:
        found = _candidate(runs, slug, place)
        if isinstance(found, Ask):
            return found
        calls.append((model.ACCEPT, {"name": found, **({"reason": why} if why else {})}))
    return Propose(tuple(calls))


def _by_name(line: Line, world: World, named: re.Match[str], why: str) -> Understood:
    if (ask := leftover.unread(line)) is not None:
        return ask
    tail = f"/jobs/{named['j']}/candidates/{named['c']}"
    for run in world.runs:
        if run.slug == named["r"] or run.slug.startswith(f"{named['r']}-"):
            return Propose(((model.ACCEPT, {"name": run.name + tail, **({"reason": why} if why else {})}),))
    return Ask(f"There is no run {named['r']} here.")


def _candidate(runs: list[RunWords], scene: str, place: int) -> str | Ask:
    """The name of a finished candidate of the newest run that made any of this scene."""
    for run in runs:
        jobs: list[JobWords] = [job for job in run.jobs if job.scene == scene]
        done = [one for job in jobs for one in job.candidates if one.state == "SUCCEEDED"]
        if not done:
            continue
        everyone = [one for job in jobs for one in job.candidates]
        wanted = [one for one in everyone if one.name.endswith(f"/candidates/c-{place}")]
        if not wanted:
            return Ask(f"{scene} has candidates 1 to {len(everyone)} in {run.slug}. Which one?")
        if wanted[0].state != "SUCCEEDED":
            return Ask(f"Candidate {place} of {scene} in {run.slug} is {wanted[0].state.lower()}. Which other one?")
        return wanted[0].name
    return Ask(f"No run has a finished candidate of {scene}.")


_STEPS: tuple[tuple[str, str], ...] = (
    (
        "cutout",
        r"(?:cut ?-?outs?|(?:remove|get rid of|erase|delete|drop|strip|take (?:out|off|away)|knock out)(?: the)? "
        r"backgrounds?(?: (?:of|from|in))?|(?:the )?backgrounds? (?:removed|"
        r"removal)|background removal|isolate|transparent(?: background)?|remove bg|the background|"
        r"backgrounds?|cut out)",
    ),
    ("refine", r"(?:refine(?: the)? edges|refine|refining|edge refin\w+)"),
    (
        "upscale",
        r"(?:up-?scal(?:e|ing|ed)|enlarg(?:e|ing|ed|ement)|blow up|bigger|larger|super ?-?resolution|double "
        r"the (?:size|resolution)(?: of)?|quadruple the (?:size|resolution)(?: of)?|scale up)",
    ),
    ("color", r"(?:colou?r(?:-| )?(?:grad(?:e|ing)|correct(?:ion|ing)?)|colou?r profile|grading|colou?rs?|grade)"),
)


_SCALE = (
    r"(?:(?:by|to) (?:a )?(?:factor (?:of )?)?|x ?|factor (?:of )?)(?P<a>2|4|two|four)(?: ?x| times| "
    r"?fold)?(?: (?:the|its|their) (?:size|resolution))?"
    r"|(?P<d>twice|two times|four times|2x|4x) (?:as|its) (?:big|large|size)(?: as (?:it is|before|now))?"
    r"|(?P<b>2|4|two|four)(?: ?x| times| ?fold)(?: (?:the|its|their) (?:size|resolution))?|(?:to )?(?P<c>twice|"
    r"double)(?: (?:the|its|their) (?:size|resolution))?"
)

_GROWN = r"(?:twice|two times|four times|2x|4x) (?:as|its) (?:big|large|size)"


def _process(line: Line, world: World) -> Understood | None:
    begun = begins(line, _PROCESS)
    if begun is None:
        return None
    line.rest = line.text  # the verb itself may be the step
    polite = re.match(POLITE, line.rest)
    if polite is not None and polite.end():
        line.remove(0, polite.end())
    profile = next((name for name in world.profiles if line.take(_profile(name))), "")
    steps: dict[str, dict[str, Any]] = {}
    if grown := line.take(r"(?P<w>double|quadruple) the (?:size|resolution)(?: of)?"):
        steps["upscale"] = {"scale": 2 if grown["w"] == "double" else 4}
    scale = line.take(_SCALE) if line.find(_STEPS[2][1]) or line.find(_GROWN) else None
    if scale is not None and scale["d"]:
        steps.setdefault("upscale", {})
    for step, pattern in _STEPS:
        while line.take(pattern):
            steps.setdefault(step, {})
    if profile:
        steps["color"] = {"profile": profile}
    whole = line.take(r"(?:the )?post-?(?:process(?:ing)?)?(?: chain)?") is not None
    if not steps and not whole:
        return None
    if "upscale" in steps and scale is not None:
        said = scale["a"] or scale["b"] or scale["c"] or scale["d"]
        steps["upscale"] = {"scale": 4 if said.startswith(("4", "four")) else 2}
    if lead := re.match(
        r"[\s\x00]*(?:make|apply|run|do|give|perform|cut|remove|scale|use|put)(?=[\s\x00]|$)", line.rest
    ):
        line.remove(*lead.span())
    return _processed(line, world, steps)


def _profile(name: str) -> str:
    """How a colour profile may be said: its words in either order, with what it is."""
    words = name.split("_")
    ways = {name, " ".join(words), " ".join(reversed(words)), "-".join(words)}
    said = "|".join(sorted(map(re.escape, ways), key=len, reverse=True))
    return rf"(?:(?:with|using|in|to|the|a) )*(?:{said})(?: (?:look|profile|colou?rs?|grade|grading|style|tones?))*"


def _processed(line: Line, world: World, steps: dict[str, dict[str, Any]]) -> Understood:
    wish: dict[str, Any] = {"postProcess": steps} if steps else {}
    stage = line.take(rf"(?:of|in|from) (?:the )?(?P<s>{stage_words(world)}) (?:stage|pass)")
    wanted = stage_called(stage["s"], world) if stage else ""
    runs = [run for run in world.runs if any(one.accepted for job in run.jobs for one in job.candidates)]
    target = take_run(line, world, runs, "process") if line.find(r"r-\d+[\w-]*|runs?") else None
    accepted = line.take(
        rf"(?:all|every)(?: of)?(?: the| our| my)? (?:accepted|winning|final|finished|approved) (?:{SCENE}|"
        rf"ones|results|candidates?)$"
    )
    accepted = accepted or line.take(r"everything(?: that is| that was)? accepted")
    line.take(
        rf"(?:all )?(?:of )?(?:the )?(?:accepted|winning|final|finished|approved) (?:{SCENE}|ones|winners|"
        rf"results|candidates?)(?: of| in| from)?|(?:the )?winners(?: of| from)?|results of"
    )
    picked = picking.Picker(world, line).pick(bare=True) if target is None or not target.said else picking.Picked()
    if picked.slugs:
        line.take(r"(?:and |then )?(?:it|them|those|these)(?: too| as well)?")
    if picked.question:
        return Ask(picked.question, tuple(picked.choices), "scenes")
    if (ask := leftover.unread(line)) is not None:
        return ask
    if target is not None and target.said:
        if target.ask is not None:
            return target.ask
        if target.run is not None:
            return Propose(((model.PROCESS, {**wish, "run": target.run.name}),))
        return Ask("Of which run?", tuple(run.slug for run in runs[:6]), "run")
    if accepted is not None:
        picked = picking.Picked(tuple(scene.slug for scene in world.scenes if scene.accepted), said=True)
    if not picked.slugs:
        newest = (f"the last run ({runs[0].slug})",) if runs else ()
        return Ask("Which pictures? A run, or scenes with accepted pictures.", (*newest, "all scenes"), "scenes")
    assets: list[str] = []
    missing: list[str] = []
    for scene in world.scenes:
        if scene.slug in picked.slugs:
            last = [scene.accepted[s.id] for s in world.stages if s.id in scene.accepted and wanted in ("", s.id)]
            (assets if last else missing).append(last[-1] if last else scene.slug)
    if missing:
        return Ask(f"{', '.join(missing)} has no accepted picture yet. Which others shall I take?", (), "scenes")
    return Propose(((model.PROCESS, {**wish, "assets": assets}),))


def _check(line: Line, world: World) -> Understood | None:
    head = r"check|run|do|start|perform|make|give|control|verify|inspect|review|assess|evaluate|test|validate"
    begun = begins(line, head) or re.match(rf"(?P<v>)(?=(?:an? )?{_QUALITY} (?:check|control|pass))", line.rest)
    if begun is None:
        return None
    checks = begun["v"] in ("check", "control", "verify", "inspect", "review", "assess", "evaluate", "test", "validate")
    noun = line.take(
        rf"(?:an? |the |another )?{_QUALITY}(?: (?:check|control|pass|review|report|assurance|inspection|"
        rf"run))?(?: (?:of|on|for|over|in))?"
    )
    if noun is None:
        return None
    if not checks and not re.search(r"check|control|pass|review|inspection|qa|qc|report", noun[0]):
        return None
    finished = [run for run in world.runs if run.jobs]
    target = take_run(line, world, finished, "check")
    if (
        ask := leftover.unread(line, frozenset({"pictures", "results", "images", "panels", "candidates", "last"}))
    ) is not None:
        return ask
    if target.ask is not None:
        return target.ask
    run = target.run or (finished[0] if len(finished) == 1 else None)
    if run is None:
        if not finished:
            return Say("nothing_made")
        return Ask("Of which run?", ("the last run", *(one.slug for one in finished[:5])), "run")
    return Propose(((model.QUALITY, {"name": run.name}),))
