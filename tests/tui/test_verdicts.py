"""A candidate in words: reasons, what it was made with, where it comes from."""

from __future__ import annotations

from bullpen_api.v1 import lineage_pb2, run_pb2
from bullpen_tui import story as universe
from bullpen_tui import verdicts, words
from bullpen_tui.mirror import Listed, Snapshot, apply
from textual.content import Content

from tests.tui import story
from tests.tui.driving import live_run


def plain(rows: list[Content]) -> str:
    return "\n".join(row.plain for row in rows)


def test_a_picture_that_is_out_of_date_says_why() -> None:
    """In the cell by its sign, in the verdict and in the story by a sentence; a retried job says what for."""
    made = story.time_jobs()[0].candidates[0]
    made.stale.reason = "the style was taken again"
    job = story.time_jobs()[0]
    job.retry_reason = "structure was found; other seeds"
    assert "⚑" in words.candidate_cell(made, None).plain
    text = plain(verdicts.reasons(made, job))
    assert "out of date: the style was taken again" in text
    assert "made again: structure was found; other seeds" in text
    scene = story.scenes()[0]
    scene.accepted.add(stage="style", candidate=made.name, stale=lineage_pb2.Staleness(stage="source"))
    assert universe.stage_marks(scene, ["style", "time"]).plain == "s⚑ t◌"
    stages = ["style", "time"]
    assert "its source was replaced" in plain(universe.scene_words(scene, Snapshot(), stages))


def test_the_latest_stage_shows_how_far_a_scene_has_come() -> None:
    """A style that was accepted anew after the time does not stand in its place."""
    scene = story.scenes()[0]
    assert universe.furthest(scene, story.STAGES) == scene.source_asset
    for stage in ("time", "style"):
        scene.accepted.add(stage=stage, asset=f"of {stage}", candidate=f"{stage} c1")
    assert universe.furthest(scene, story.STAGES) == "of time"
    assert [one.stage for one in universe.in_order(scene, story.STAGES)] == ["style", "time"]


def test_what_acts_on_a_picture_is_told_with_its_origin() -> None:
    """Words, values, LoRAs one by one; pictures that it is held against are counted by where they come from."""
    snapshot = apply(Snapshot(), Listed((*story.characters(), *story.reference_sets())))
    use, part = run_pb2.BibleUse, run_pb2.BibleUse
    job = story.time_jobs()[0]
    mara, sheet = story.characters()[0].name, story.reference_sets()[0].name
    job.uses.extend(
        [
            use(part=part.PART_VARIABLE, item="time", value="dusk", source=story.scene_name(1)),
            use(part=part.PART_LORA, item="models/starter-lora-mara", value="0.8", source=mara),
            use(part=part.PART_IDENTITY_REFERENCE, item="a", source=sheet),
            use(part=part.PART_IDENTITY_REFERENCE, item="b", source=sheet),
        ]
    )
    text = plain(verdicts.inputs(job, snapshot))
    assert "time = dusk   scene_01" in text
    assert "starter-lora-mara × 0.8   Mara" in text
    assert "held against 2 pictures   Mara's sheet" in text


def test_descent_is_a_tree() -> None:
    """What was made from what, indented; the asked one has its mark, old ones their reason."""
    name = f"{story.TIME_RUN}/jobs/1/candidates/c1"
    rows = [row.plain for row in verdicts.descent(story.lineage(name), name)]
    assert rows[0] == "style  r-0001-style c1 ★"
    assert rows[1] == "└ ▸ time  r-0002-time c1 ★   ⚑ the style was taken again"


async def test_the_review_tells_inputs_and_descent_and_makes_flagged_pictures_again() -> None:
    """T goes through the words; R offers what was found, and starts a run from just these pictures."""
    async with live_run() as at:
        await at.press("g")
        await at.go("v", "review")
        await at.press("t", "t")
        await at.until(lambda: "r-0001-style c1" in at.words("#verdict"))
        live = run_pb2.Run()
        live.CopyFrom(at.app.snapshot.runs[story.TIME_RUN])
        live.state, live.revision = run_pb2.Run.STATE_SUCCEEDED, 90
        soft = story.time_jobs()[1]
        soft.candidates[1].quality.findings.add(kind=run_pb2.Finding.KIND_IDENTITY, message="not Mara")
        soft.candidates[1].revision = 91
        at.fake.say(at.fake.event(live.name, run=live), at.fake.event(soft.name, candidate=soft.candidates[1]))
        await at.until(lambda: at.app.screen.check_action("retry_with", ()))
        await at.press("R")
        await at.until(lambda: at.place == "ChooseDialog")
        await at.press("j", "enter")
        await at.until(lambda: at.fake.asked("retry_found"))
        change = run_pb2.AutomaticRetry.CHANGE_STRENGTH
        assert at.fake.asked("retry_found") == [(story.TIME_RUN, run_pb2.Finding.KIND_IDENTITY, change)]


def test_measures_stand_in_a_list_where_there_is_room() -> None:
    """One below the other with their figures in a column; otherwise as one line."""
    made, job = story.time_jobs()[0].candidates[0], story.time_jobs()[0]
    made.quality.measures.update({"chroma_mean": 12.5, "identity_similarity/mara": 0.97})
    rows = [row.plain for row in verdicts.reasons(made, job, listed=True)]
    lines = [row for row in rows if row.startswith(("chroma mean", "identity similarity/mara"))]
    assert len(lines) == 2
    assert len({len(row) for row in lines}) == 1
    assert any("chroma mean 12.5  identity" in row.plain for row in verdicts.reasons(made, job))
