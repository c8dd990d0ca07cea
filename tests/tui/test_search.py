"""The search language of the gallery."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import asset_pb2
from bullpen_tui.mirror import Listed, Snapshot, apply_all
from bullpen_tui.search import SearchError, candidate_of, fits, lineage, parse
from bullpen_tui.snapshot import leaf

from tests.tui import story


def mirror() -> Snapshot:
    scenes = story.scenes()
    scenes[0].characters.append(f"{story.PROJECT}/characters/mara")
    rated = asset_pb2.Asset(
        name=f"{story.PROJECT}/assets/rated",
        kind=asset_pb2.Asset.KIND_POSTPROCESS,
        display_name="pier-cutout.png",
        tags=["Rain", "keep"],
        rating=4,
        derived_from=[f"{story.PROJECT}/assets/r-0002-time-1-1"],
        create_time=story.at(0),
    )
    return apply_all(
        Snapshot(),
        [
            Listed(tuple(story.runs())),
            Listed(tuple(scenes)),
            Listed(tuple(story.time_jobs())),
            Listed(tuple(story.characters())),
            Listed((*story.assets(), rated)),
        ],
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("kind:source", 6),
        ("kind:source !pier", 5),
        ("stage:time", 8),
        ("stage:time !kind:post", 7),
        ("stage:weather", 0),
        ("model:starter", 8),
        ("character:mara", 5),
        ("character:mara kind:candidate", 3),
        ("scene:pier run:r-0002", 4),
        ("rating:>3", 1),
        ("rating:>=5", 0),
        ("rain", 1),
        ("tag:rain tag:keep", 1),
        ("tag:rai", 0),
        ("date:2027-01", 14),
        ("date:>2027", 0),
        ("width:128", 13),
        ("stage:", 14),
        ("", 14),
    ],
)
def test_parts_of_a_search_all_must_fit(text: str, found: int) -> None:
    """Words, facts of the run and of the scene, comparisons, and what is left out."""
    snapshot, search = mirror(), parse(text)
    assert sum(fits(one, search, snapshot) for one in snapshot.assets_of(story.PROJECT)) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("caracter:mara", "Did you mean character:?"),
        ("rating:good", "takes a number, as in rating:>3"),
        ("kind:sketch", "is one of source, reference, candidate, post, export"),
        ("date:november", "as in date:2026-11"),
        ("stage:>time", "has no order"),
    ],
)
def test_a_slip_is_explained(text: str, words: str) -> None:
    """The sentence names the part and what there is."""
    with pytest.raises(SearchError, match=r".") as raised:
        parse(text)
    assert words in str(raised.value)


def test_one_wanted_kind_is_left_to_the_daemon() -> None:
    """The daemon is asked for what it can find itself."""
    assert parse("kind:source rain").kinds == (asset_pb2.Asset.KIND_SOURCE,)
    assert parse("!kind:source").kinds == ()


def test_lineage_goes_both_ways() -> None:
    """What a picture was made from, the nearest first, and what was made from it; a circle ends."""
    snapshot = mirror()
    rated = snapshot.assets[f"{story.PROJECT}/assets/rated"]
    before, after = lineage(rated, snapshot)
    assert [leaf(one.name) for one in before] == ["r-0002-time-1-1", "source-1"]
    assert not after
    assert [leaf(one.name) for one in lineage(before[0], snapshot)[1]] == ["rated"]
    assert candidate_of(rated, snapshot) == f"{story.TIME_RUN}/jobs/1/candidates/c1"
    circle = asset_pb2.Asset(name=f"{story.PROJECT}/assets/a", derived_from=[f"{story.PROJECT}/assets/a"])
    assert lineage(circle, apply_all(snapshot, [Listed((circle,))]))[0] == []
