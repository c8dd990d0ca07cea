"""The universe in words: scenes, cast, styles and references as rows and as paragraphs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bullpen_api.v1 import bible_pb2, run_pb2
from textual.content import Content

from bullpen_tui import words
from bullpen_tui.bible.draft import PURPOSES
from bullpen_tui.snapshot import Snapshot, leaf
from bullpen_tui.verdicts import stale_words
from bullpen_tui.widgets.layout import Column, Row

SCENE_COLUMNS = (
    Column("scene", minimum=18, weight=2),
    Column("stages", width=14),
    Column("cast", minimum=8, weight=1, drop=1),
    Column("description", minimum=24, weight=5, drop=2),
)
CAST_COLUMNS = (
    Column("character", minimum=12, weight=2),
    Column("scenes", width=6, right=True),
    Column("references", width=10, right=True),
    Column("LoRA", minimum=8, weight=1, drop=2),
    Column("looks like", minimum=20, weight=5, drop=1),
)
STYLE_COLUMNS = (
    Column("style guide", minimum=14, weight=2),
    Column("anchors", width=7, right=True),
    Column("values", minimum=14, weight=2),
    Column("description", minimum=16, weight=4, drop=1),
)
SET_COLUMNS = (
    Column("reference set", minimum=16, weight=2),
    Column("for", width=9),
    Column("pictures", width=8, right=True),
    Column("description", minimum=16, weight=4, drop=1),
)

TEMPLATE_COLUMNS = (
    Column("prompt template", minimum=16, weight=2),
    Column("stage", width=11),
    Column("words", minimum=24, weight=5),
)


def in_order(scene: bible_pb2.Scene, stages: Sequence[str]) -> list[bible_pb2.AcceptedPicture]:
    """Accepted pictures of a scene by their stage, however late each was taken."""
    place = {stage: index for index, stage in enumerate(stages)}
    return sorted(scene.accepted, key=lambda one: place.get(one.stage, -1))


def furthest(scene: bible_pb2.Scene, stages: Sequence[str]) -> str:
    """The asset that shows how far a scene has come: the accepted picture of its latest stage, else its source."""
    found = in_order(scene, stages)
    return found[-1].asset if found else scene.source_asset


def stage_marks(scene: bible_pb2.Scene, stages: Sequence[str]) -> Content:
    """One sign for each stage, with its first letter: `s✓ t✓ w⚑ c◌`; ⚑ is a picture that is out of date."""
    done = {one.stage: one for one in scene.accepted}
    parts: list[Content] = []
    for stage in stages:
        sign = ("◌", words.FAINT)
        if stage in done:
            sign = ("⚑", words.WARN) if done[stage].HasField("stale") else ("✓", words.GOOD)
        parts.append(words.text((stage[:1], words.QUIET), sign))
    return Content(" ").join(parts)


def flags(scene: bible_pb2.Scene, snapshot: Snapshot) -> list[run_pb2.Finding]:
    """What was found in the accepted pictures of a scene, as far as their runs were read."""
    found = (snapshot.candidates.get(one.candidate) for one in scene.accepted)
    return [finding for one in found if one is not None for finding in one.quality.findings]


def _titles(names: Iterable[str], characters: dict[str, bible_pb2.Character]) -> str:
    return ", ".join((characters[one].title if one in characters else "") or leaf(one) for one in names)


def scene_row(scene: bible_pb2.Scene, snapshot: Snapshot, stages: Sequence[str]) -> Row:
    """A scene for `SCENE_COLUMNS`."""
    cast = {one.name: one for one in snapshot.characters_of(scene.name.split("/scenes/")[0])}
    flagged = flags(scene, snapshot)
    flag = words.text((f" ⚑{len(flagged)}", words.WARN)) if flagged else Content("")
    return Row(
        scene.name,
        (
            words.text((f"{scene.ordinal:02} ", words.FAINT), scene.title or leaf(scene.name)),
            words.text(stage_marks(scene, stages), flag),
            words.text((_titles(scene.characters, cast) or words.DASH, words.QUIET)),
            words.text((" ".join(scene.description.split()) or words.DASH, words.QUIET)),
        ),
    )


def scene_card(scene: bible_pb2.Scene, snapshot: Snapshot, stages: Sequence[str]) -> Row:
    """A scene for the board: picture, then title, stages and description."""
    cells = scene_row(scene, snapshot, stages).cells
    return Row(scene.name, (Content(furthest(scene, stages)), cells[0], cells[1], cells[3]))


def scene_words(scene: bible_pb2.Scene, snapshot: Snapshot, stages: Sequence[str]) -> list[Content]:
    """Everything about a scene: what happens, who is in it, its values, what was accepted and why."""
    cast = {one.name: one for one in snapshot.characters_of(scene.name.split("/scenes/")[0])}
    rows = [words.text((f"{scene.ordinal:02} ", words.FAINT), (scene.title or leaf(scene.name), words.STRONG))]
    if scene.description:
        rows.append(Content(scene.description.strip()))
    if scene.characters:
        worn = [f"{leaf(name)}: {look}" for name, look in sorted(scene.looks.items())]
        rows.append(fact("cast", _titles(scene.characters, cast), f"   wears {', '.join(worn)}" if worn else ""))
    if scene.variables:
        rows.append(fact("values", "  ".join(f"{name}={value}" for name, value in sorted(scene.variables.items()))))
    for one in in_order(scene, stages):
        line = f"   line {one.branch}" if one.branch > 1 else ""
        rows.append(
            fact(one.stage, "✓ ", f"{leaf(one.candidate.split('/jobs/')[0])}   {one.reason.split(':')[0]}{line}")
        )
        if one.HasField("stale"):
            rows.append(words.text(("⚑ out of date: ", words.WARN), stale_words(one.stale)))
    for finding in flags(scene, snapshot):
        rows.append(words.text(("⚑ ", words.WARN), finding.message))
    return rows


def fact(label: str, value: str, rest: str = "") -> Content:
    """A line of a detail pane."""
    return words.text((f"{label:<11}", words.FAINT), value, (rest, words.QUIET))


def character_row(one: bible_pb2.Character, snapshot: Snapshot) -> Row:
    """A character for `CAST_COLUMNS`."""
    project = one.name.split("/characters/")[0]
    scenes = sum(one.name in scene.characters for scene in snapshot.scenes_of(project))
    loras = ", ".join(leaf(lora.model) for lora in one.loras)
    return Row(
        one.name,
        (
            Content(one.title or leaf(one.name)),
            words.text((str(scenes or words.DASH), words.QUIET)),
            words.text((str(len(sheet(one, snapshot)) or words.DASH), words.QUIET)),
            words.text((loras or words.DASH, words.QUIET)),
            words.text((one.description or words.DASH, words.QUIET)),
        ),
    )


def sheet(one: bible_pb2.Character, snapshot: Snapshot) -> list[str]:
    """Assets that show a character: own references, those of the reference set, those of the looks; each once."""
    found = list(one.references)
    shared = snapshot.reference_sets.get(one.reference_set)
    if shared is not None:
        found += [item.asset for item in shared.items]
    found += [asset for look in one.looks for asset in look.references]
    return list(dict.fromkeys(found))


def character_words(one: bible_pb2.Character, snapshot: Snapshot) -> list[Content]:
    """Everything about a character."""
    project = one.name.split("/characters/")[0]
    rows = [words.text((one.title or leaf(one.name), words.STRONG))]
    rows += [
        fact(label, value)
        for label, value in (
            ("looks like", one.description),
            ("in prompts", one.prompt),
            ("never", one.negative_prompt),
            ("who", one.profile),
            ("references", leaf(one.reference_set)),
        )
        if value
    ]
    rows += [fact("look", look.title or look.look_id, f"   {look.description}") for look in one.looks]
    rows += [
        fact("LoRA", leaf(lora.model), f"   × {lora.scale:g}" if lora.HasField("scale") else "") for lora in one.loras
    ]
    seen = [scene.title or leaf(scene.name) for scene in snapshot.scenes_of(project) if one.name in scene.characters]
    if seen:
        rows.append(fact("scenes", ", ".join(seen)))
    return rows


def style_row(one: bible_pb2.StyleGuide, snapshot: Snapshot) -> Row:
    """A style guide for `STYLE_COLUMNS`."""
    return Row(
        one.name,
        (
            Content(one.title or leaf(one.name)),
            words.text((str(len(anchors(one, snapshot)) or words.DASH), words.QUIET)),
            Content("  ".join(f"{name}={value}" for name, value in sorted(one.variables.items())) or words.DASH),
            words.text((one.description or words.DASH, words.QUIET)),
        ),
    )


def anchors(one: bible_pb2.StyleGuide, snapshot: Snapshot) -> list[str]:
    """Assets that show a style: own anchors and those of its reference set; each once."""
    shared = snapshot.reference_sets.get(one.reference_set)
    return list(dict.fromkeys([*one.anchors, *(item.asset for item in shared.items)] if shared else one.anchors))


def style_words(one: bible_pb2.StyleGuide) -> list[Content]:
    """Everything about a style guide."""
    rows = [words.text((one.title or leaf(one.name), words.STRONG))]
    rows += [Content(one.description)] if one.description else []
    rows += [fact(name, value) for name, value in sorted(one.variables.items())]
    rows += [fact("references", leaf(one.reference_set))] if one.reference_set else []
    return rows


def set_row(one: bible_pb2.ReferenceSet) -> Row:
    """A reference set for `SET_COLUMNS`."""
    return Row(
        one.name,
        (
            Content(one.title or leaf(one.name)),
            words.text((PURPOSES.get(one.purpose, words.DASH), words.QUIET)),
            words.text((str(len(one.items) or words.DASH), words.QUIET)),
            words.text((one.description or words.DASH, words.QUIET)),
        ),
    )


def set_words(one: bible_pb2.ReferenceSet) -> list[Content]:
    """Everything about a reference set."""
    rows = [words.text((one.title or leaf(one.name), words.STRONG))]
    rows += [Content(one.description)] if one.description else []
    for number, item in enumerate(one.items, 1):
        weight = f"   × {item.weight:g}" if item.HasField("weight") else ""
        rows.append(
            words.text((f"{number:>2} ", words.FAINT), item.caption or leaf(item.asset)[:12], (weight, words.QUIET))
        )
    return rows


def template_row(one: bible_pb2.PromptTemplate) -> Row:
    """A prompt template for `TEMPLATE_COLUMNS`."""
    return Row(
        one.name,
        (
            Content(one.title or leaf(one.name)),
            words.text((leaf(one.stage) or "any", words.QUIET)),
            words.text((" ".join(one.text.split()), words.QUIET)),
        ),
    )


def template_words(one: bible_pb2.PromptTemplate) -> list[Content]:
    """Everything about a prompt template."""
    rows = [words.text((one.title or leaf(one.name), words.STRONG))]
    rows += [Content(one.description)] if one.description else []
    rows += [fact("stage", leaf(one.stage) or "any"), Content(one.text)]
    rows += [fact("not", one.negative_text)] if one.negative_text else []
    for blank in one.variables:
        usual = f"   usually {blank.default_value}" if blank.HasField("default_value") else "   must be given"
        rows.append(fact("{" + blank.variable + "}", blank.description, usual))
    return rows
