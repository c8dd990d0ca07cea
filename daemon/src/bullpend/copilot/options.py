"""What a sentence says beside stage and scenes: candidates, seed, model, steps, values, who accepts.

Each reader takes its words from the line. A word that is only half said, such as `some candidates`, gives a question.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bullpend.copilot.words import CANDIDATE, NUM, SCENE, Line, number
from bullpend.copilot.world import World

_EACH = (
    rf"(?:each|apiece|a ?piece|(?:per|a|for each|for every|of each|of every|every|each) (?:one|{SCENE}|job)|"
    rf"for each(?: of them)?|for all of them"
    r"|for every one(?: of them)?|per)"
)
_NEW = r"(?:more |new |different |extra |additional |fresh |other |separate |distinct |possible )?"
_VAGUE = (
    r"(?:some|several|a few|few|many|more|multiple|various|lots of|a lot of|plenty of|a bunch of|extra|"
    r"additional|different|a handful of|enough)"
)
_DECIMAL = r"\d{1,4}(?:\.\d{1,4})?"


@dataclass
class Options:
    """What was said; None and empty where nothing was. `question` is what must be asked back."""

    candidates: int | None = None
    seed: int | None = None
    random_seed: bool = False
    model: str = ""
    steps: int | None = None
    guidance: float | None = None
    image_guidance: float | None = None
    style_guide: str = ""
    by_hand: bool = False
    priority: int | None = None
    every_scene: bool = False
    values: dict[str, str] = field(default_factory=dict)
    question: str = ""
    slot: str = ""
    choices: list[str] = field(default_factory=list)

    def ask(self, slot: str, question: str, *choices: str) -> None:
        """Notes the first question."""
        if not self.question:
            self.slot, self.question, self.choices = slot, question, list(choices)


def read(line: Line, world: World) -> Options:
    """Takes every option from the line."""
    made = Options()
    _seed(line, made)
    _sampling(line, made)
    _model(line, world, made)
    _style_guide(line, world, made)
    _acceptance(line, made)
    _candidates(line, world, made)
    _priority(line, made)
    _assigned(line, made)
    return made


def _seed(line: Line, made: Options) -> None:
    if found := line.take(
        r"(?:with |using |use |and |on )?(?:a |the )?(?:fixed |same )?seed (?:of |number |value |no |to |= |: |is "
        rf")?#?(?P<n>\d{{1,18}}|{NUM})"
    ):
        made.seed = number(found["n"])
        if made.seed >= 2**32:
            made.ask("seed", "A seed is 0 to 4294967295. Which one shall I take?")
    elif line.take(r"(?:with |using |use )?(?:a |the )?(?:new |random |fresh |different |another )+seeds?"):
        made.random_seed = True
    elif line.find(r"(?:the )?(?:same|fixed|old|previous|last) seeds?"):
        line.take(r"(?:with |using |use )?(?:the |a )?(?:same|fixed|old|previous|last) seeds?")
        made.ask("seed", "Which seed shall I take?")


def _sampling(line: Line, made: Options) -> None:
    number_after = rf"(?:of |to |at |= |: |is )?(?P<n>{_DECIMAL})"
    if found := line.take(rf"(?:with |using |at |and )?(?:an? |the )?image (?:guidance|cfg)(?: scale)? {number_after}"):
        made.image_guidance = float(found["n"])
    if found := line.take(rf"(?:with |using |at |and )?(?:a |the )?(?:guidance|cfg)(?: scale)? {number_after}"):
        made.guidance = float(found["n"])
    if found := line.take(
        rf"(?:with |using |in |at |and )?(?P<n>{NUM}) (?:denoising |sampling |inference |diffusion )?steps(?: each)?"
    ):
        made.steps = number(found["n"])
    elif found := line.take(r"steps (?:= |: |of |to )?(?P<n>\d{1,4})"):
        made.steps = int(found["n"])


def _model(line: Line, world: World, made: Options) -> None:
    names = sorted(world.models, key=len, reverse=True)
    for name in names:
        plain = name.removeprefix("models/").lower()
        spoken = re.escape(plain).replace(r"\-", "[- ]")
        if line.take(
            rf"(?:(?:with|using|use|on|by|via|from|and) )?(?:the )?(?:model )?(?:= |: )?(?:models/)?{spoken}(?: model)?"
        ):
            made.model = name
            return
    if found := line.take(
        r"(?:(?:with|using|use|on|by) )?(?:the |a )?(?:model (?:= |: |called |named )?(?P<a>[\w./-]+)|"
        r"(?P<b>[\w./-]+) model)"
    ):
        said = found["a"] or found["b"]
        if said in ("default", "same", "usual", "standard", "stage's", "normal"):
            return
        made.ask("model", f"I know no model `{said}`. Which one shall I use?", *names[:6])


def _style_guide(line: Line, world: World, made: Options) -> None:
    for slug, title in world.style_guides.items():
        for name in (slug, title.lower(), slug.replace("_", " ").replace("-", " ")):
            if line.take(
                rf"(?:(?:with|using|use|in|after|from|following) )?(?:the )?(?:(?:style )?guide "
                rf'"?{re.escape(name)}"?|"?{re.escape(name)}"? (?:style )?guide)'
            ):
                made.style_guide = slug
                return
        spoken = {slug.lower(), slug.replace("_", " ").replace("-", " ").lower(), title.lower()}
        for name in (one for one in spoken if len(re.split(r"[ _-]", one)) > 1):
            if line.take(rf"(?:with|using|use|after|following) (?:the )?{re.escape(name)}(?: style| look| guide)?"):
                made.style_guide = slug
                return
    if found := line.take(r"(?:(?:with|using|use) )?(?:the )?style guide (?P<n>[\w-]+)"):
        made.ask("style guide", f"There is no style guide `{found['n']}`. Which one?", *world.style_guides)


def _acceptance(line: Line, made: Options) -> None:
    own = (
        r"(?:and |but )?(?:i (?:will|want to|would like to|would rather|am going to)|let me|i ) ?(?:choose|"
        r"pick|decide|accept|select|review)"
        r"(?: (?:the )?(?:winners?|best|them|it|candidates?|which))?(?: one)?(?: wins?)?(?: myself| by hand| "
        r"manually| later| afterwards)?"
        r"|(?:and |but )?do not (?:auto ?-?)?accept(?: anything| any(?: of them)?| them| it)?(?: "
        r"automatically| by yourself| yet)?"
        r"|(?:with )?(?:manual|hand) (?:acceptance|selection|review|choice|picking)|(?:and )?accept (?:them "
        r")?(?:by hand|manually)"
        r"|without (?:auto ?-?accept(?:ing|ance)?|accepting (?:anything|them))"
    )
    if line.take(own):
        made.by_hand = True
    else:
        line.take(
            r"(?:and )?(?:accept|take|keep|pick|choose) the best(?: one| ones| candidates?)?(?: automatically|"
            r" of each)?"
        )


def _candidates(line: Line, world: World, made: Options) -> None:
    lead = (
        r"(?:(?:with|at|giving|and|in|making|make|generate|give me|for|of|get|using|show me|do|use|from|taking|try) )?"
    )
    forms = (
        rf"{lead}(?:me )?(?:the )?(?:best|top|pick) of (?P<n>{NUM})(?: {CANDIDATE})?(?: {_EACH})?",
        rf"{lead}(?:me )?(?:(?:a|the) )?(?:total of )?(?:exactly |only |just )?(?P<n>{NUM})(?: of)? "
        rf"{_NEW}{CANDIDATE}(?: (?:of )?{_EACH})?",
        rf"(?:with )?{CANDIDATE}(?: (?:count|number))? (?:= |: |to |of )?(?P<n>{NUM})(?: {_EACH})?",
        rf"(?:with )?(?:number|count|amount) of {CANDIDATE} (?:= |: |to |is )?(?P<n>{NUM})",
        rf"{lead}(?:exactly |only |just )?(?P<n>{NUM}) (?:{SCENE} )?{_EACH}",
        rf"{lead}(?:exactly |only |just )?(?P<n>{NUM}) (?:each|times each|apiece)",
        rf"{lead}(?:a|an|one|a single|single|just one) {CANDIDATE}(?: {_EACH})?",
        rf"(?P<x>\d{{1,2}})x(?: {CANDIDATE})?(?: {_EACH})?(?= |$)|x ?(?P<y>\d{{1,2}})(?: {CANDIDATE})?(?: {_EACH})?",
    )
    counts: list[int] = []
    while found := line.take(rf"(?:with )?{CANDIDATE}(?: (?:count|number))? (?:=|:) (?P<n>{NUM})(?: {_EACH})?"):
        counts.append(number(found["n"]))
    _beside_scenes(line, made, counts)
    for form in forms:
        if _asks_to_take(line):
            break
        while found := line.take(form):
            groups = found.groupdict()
            said = groups.get("n") or groups.get("x") or groups.get("y")
            counts.append(number(said) if said else 1)
            made.every_scene |= (
                re.search(rf"(?:for|of|to) (?:each|every) (?:one of the )?{SCENE}", found[0]) is not None
            )
    if len(set(counts)) > 1:
        made.ask(
            "candidates",
            f"{' or '.join(map(str, counts))} candidates each?",
            *[f"{count} candidates each" for count in counts],
        )
    elif counts:
        made.candidates = counts[0]
    elif found := line.find(rf"{_VAGUE} (?:{_NEW})?{CANDIDATE}(?: {_EACH})?"):
        line.remove(*found.span())
        made.ask(
            "candidates",
            "How many candidates each?",
            *[f"{count} candidates each" for count in (2, 3, world.candidate_cap)],
        )
    if made.candidates is not None and not 1 <= made.candidates <= world.candidate_cap:
        made.ask(
            "candidates",
            f"A picture may have 1 to {world.candidate_cap} candidates, not {made.candidates}. How many shall it be?",
            f"{world.candidate_cap} candidates each",
        )


def _beside_scenes(line: Line, made: Options, counts: list[int]) -> None:
    """Numbers between scenes and candidates, which may belong to either.

    In `scene 3 candidates 2` the scenes have theirs already; in `scenes 1 and 3 candidates` nobody can tell.
    """
    listed = rf"(?:{SCENE}|#)(?: (?:{NUM}|,|and|&|-|to|through|numbers?))*"
    if both := line.find(rf"(?P<l>{listed} {NUM}) (?P<c>{CANDIDATE} (?P<n>{NUM}))(?! (?:each|per|steps?|apiece))"):
        counts.append(number(both["n"]))
        line.remove(*both.span("c"))
        return
    if both := line.find(rf"(?P<a>{NUM}) {CANDIDATE} (?P<b>{NUM})(?! (?:each|per|steps?|apiece))"):
        a, b = number(both["a"]), number(both["b"])
        made.ask("candidates", f"{a} or {b} candidates each?", f"{a} candidates each", f"{b} candidates each")
        return
    several = r"(?:scenes|panels|pictures|images|pages|frames|shots|drawings)"
    if both := line.find(
        rf"{several}(?: (?:{NUM}|,|and|-|to))* {NUM} (?P<j>and|,) (?P<n>\d+) {CANDIDATE}(?P<e> {_EACH})?"
    ):
        before = line.rest[both.start() : both.start("j")]
        if (both["j"] == "and" and " and " not in before) or (
            both["j"] == "," and both["e"] is None and " and " not in before
        ):
            made.ask(
                "candidates",
                f"Do you mean {both['n']} candidates each, or the scene {both['n']}?",
                f"{both['n']} candidates each",
            )


def _asks_to_take(line: Line) -> bool:
    """`candidate 2 of scene 3` names one candidate; it is no count."""
    return line.find(rf"{CANDIDATE} (?:number |no |# )?{NUM} (?:of|for|from|in) (?:the )?{SCENE}") is not None


def _priority(line: Line, made: Options) -> None:
    if found := line.take(r"(?:with |at |and )?(?:a )?priority (?:of |= |: |to |is )?(?P<n>-?\d{1,4})"):
        made.priority = int(found["n"])
    elif line.take(
        r"(?:with |at |and )?(?:a |the )?(?:high|higher|highest|top) priority|urgently|(?:it is )?urgent|with urgency"
    ):
        made.priority = 10
    elif line.take(
        r"(?:with |at |and )?(?:a |the )?(?:low|lower|lowest) priority|(?:when (?:idle|there is nothing else))"
    ):
        made.priority = -10


def _assigned(line: Line, made: Options) -> None:
    """`time = night`, `with weather = rain`."""
    while found := line.take(
        r"(?:with |set |and )?(?P<k>(?!(?:stages?|scenes?|panels?|candidates?|seed|model|steps|"
        r"project)(?!\S))[a-z][a-z0-9_]{0,40}) = (?P<v>\"[^\"]+\"|[\w-]+)"
    ):
        made.values[found["k"]] = found["v"].strip('"')
