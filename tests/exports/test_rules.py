"""What a wish may say, which picture stands for a scene, how files are called, and the walk through all states."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import export_pb2 as pb
from bullpend.errors import BullpenError, FieldInvalid, LimitExceeded, StageUnknown, StateConflict
from bullpend.exports import rules
from bullpend.exports.model import ENDED, TABLE, Format, Move, State, sources

STAGES = ("style", "time", "weather")


def wish(**fields: object) -> pb.ExportSpec:
    """A comic book, with these fields."""
    return pb.ExportSpec(**{"format": pb.ExportSpec.FORMAT_CBZ, **fields})  # type: ignore[arg-type]  # any field


def test_every_pair_of_state_and_move_is_in_the_table_or_refused() -> None:
    """What is not in the table raises and says what the state is; what has ended moves by a restart alone."""
    for state in State:
        for move in Move:
            if (state, move) in TABLE:
                assert rules.move(state, move) is TABLE[state, move]
                assert state in sources(move)
            else:
                with pytest.raises(StateConflict) as refused:
                    rules.move(state, move, "projects/p/exports/e-0001")
                assert refused.value.metadata["state"] == state.value
    assert {state for state, move in TABLE if state in ENDED} == ENDED - {State.SUCCEEDED}
    assert {move for state, move in TABLE if state in ENDED} == {Move.RESTART}


def test_a_wish_has_its_defaults_and_its_order() -> None:
    """Stages may be given as names; scenes keep their order; a layout takes margins of its page."""
    found = rules.wish_of(
        wish(
            stage="stages/time",
            scenes=["projects/p/scenes/b", "projects/p/scenes/a"],
            title="  Lamp ",
            layout=pb.ExportLayout(columns=2, rows=3),
        ),
        "p",
        STAGES,
    )
    assert (found.format, found.stage, found.scenes, found.title) == (Format.CBZ, "time", ("b", "a"), "Lamp")
    assert found.layout is not None
    assert (found.layout.page_width, found.layout.page_height) == (1654, 2339)
    assert (found.layout.margin, found.layout.gutter, found.layout.panels) == (83, 28, 6)
    bare = rules.layout_of(pb.ExportLayout(columns=1, rows=1, margin=0, gutter=0))
    assert (bare.margin, bare.gutter) == (0, 0)


@pytest.mark.parametrize(
    ("spec", "kind", "field"),
    [
        (pb.ExportSpec(), FieldInvalid, "spec.format"),
        (wish(format=15), FieldInvalid, "spec.format"),
        (wish(pictures=9), FieldInvalid, "spec.pictures"),
        (wish(stage="nowhere"), StageUnknown, "spec.stage"),
        (wish(scenes=["projects/q/scenes/a"]), FieldInvalid, "spec.scenes[0]"),
        (wish(scenes=["projects/p/scenes/a"] * 2), FieldInvalid, "spec.scenes[1]"),
        (wish(scenes=[f"projects/p/scenes/s{n}" for n in range(5001)]), LimitExceeded, "spec.scenes"),
        (wish(title="x" * 201), FieldInvalid, "spec.title"),
        (wish(series="a\x1b[31m"), FieldInvalid, "spec.series"),
        (wish(all_candidates=True), FieldInvalid, "spec.all_candidates"),
        (wish(format=1, layout=pb.ExportLayout(columns=1, rows=1)), FieldInvalid, "spec.layout"),
        (wish(layout=pb.ExportLayout(columns=0, rows=1)), FieldInvalid, "spec.layout.columns"),
        (wish(layout=pb.ExportLayout(columns=9, rows=1)), FieldInvalid, "spec.layout.columns"),
        (wish(layout=pb.ExportLayout(columns=1, rows=13)), FieldInvalid, "spec.layout.rows"),
        (wish(layout=pb.ExportLayout(columns=1, rows=1, page_width=10)), FieldInvalid, "spec.layout.page_width"),
        (wish(layout=pb.ExportLayout(columns=1, rows=1, page_height=9000)), FieldInvalid, "spec.layout.page_height"),
        (wish(layout=pb.ExportLayout(columns=1, rows=1, margin=-1)), FieldInvalid, "spec.layout.margin"),
        (wish(layout=pb.ExportLayout(columns=8, rows=1, page_width=320)), FieldInvalid, "spec.layout"),
    ],
)
def test_a_wrong_wish_is_refused_by_its_field(spec: pb.ExportSpec, kind: type[BullpenError], field: str) -> None:
    """Typed, and naming what is wrong."""
    with pytest.raises(kind) as refused:
        rules.wish_of(spec, "p", STAGES)
    assert refused.value.field == field


def test_the_last_accepted_stage_stands_for_a_scene() -> None:
    """By the manifest's order, whatever was accepted last; a stage that is gone counts least; a named one alone."""
    rows = {name: {"stage": name} for name in ("weather", "style", "gone")}
    assert rules.last_accepted(rows, STAGES, "") == {"stage": "weather"}
    assert rules.last_accepted({"gone": rows["gone"], "style": rows["style"]}, STAGES, "") == {"stage": "style"}
    assert rules.last_accepted({"gone": rows["gone"]}, STAGES, "") == {"stage": "gone"}
    assert rules.last_accepted(rows, STAGES, "style") == {"stage": "style"}
    assert rules.last_accepted(rows, STAGES, "time") is None
    assert rules.last_accepted({}, STAGES, "") is None


def test_names_sort_as_pages_do() -> None:
    """Numbers are padded to the same width, four at least; files are called after project and format."""
    assert rules.numbered(2) == ["0001", "0002"]
    many = rules.numbered(12_000)
    assert many == sorted(many)
    assert rules.file_name("harbor", Format.BUNDLE) == "harbor.zip"
    assert rules.file_name("harbor", Format.PDF_CONTACT_SHEET, "e-0002") == "harbor-contact-sheet-e-0002.pdf"
