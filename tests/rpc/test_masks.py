"""Field masks on a message with texts, maps, lists and a message."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import project_pb2, run_pb2
from bullpen_api.v1.bible_pb2 import Scene
from bullpend.errors import FieldInvalid
from bullpend.rpc.masks import merge
from google.protobuf.field_mask_pb2 import FieldMask

WRITABLE = ("title", "variables", "characters", "ordinal")
NOW = Scene(title="Pier", description="kept", variables={"time": "dusk"}, characters=["a", "b"], ordinal=3)


def merged(given: Scene, *paths: str) -> Scene:
    return merge(NOW, given, FieldMask(paths=paths), WRITABLE)


def test_named_fields_are_replaced_and_cleared() -> None:
    """Lists and maps are replaced, not joined; what the request leaves out is cleared; the rest stays."""
    found = merged(Scene(characters=["c"], variables={"place": "left"}), "characters", "variables", "ordinal")
    assert found == Scene(title="Pier", description="kept", variables={"place": "left"}, characters=["c"])


def test_empty_mask_means_what_is_set() -> None:
    """Only fields with a value change, and only those that a person sets."""
    found = merged(Scene(title="Quay", description="ignored", etag="x"))
    assert (found.title, found.description, found.ordinal) == ("Quay", "kept", 3)


def test_star_means_all() -> None:
    """Every field that can be changed is replaced, the others stay."""
    assert merged(Scene(title="Quay"), "*") == Scene(title="Quay", description="kept")


def test_original_is_not_touched() -> None:
    """The result is another message."""
    before = NOW.SerializeToString(deterministic=True)
    merged(Scene(title="Quay", variables={"time": "dawn"}), "title", "variables.time")
    assert NOW.SerializeToString(deterministic=True) == before


@pytest.mark.parametrize("path", ["nothing", "description", "title.x", "characters.0", "variables.", "", "a" * 500])
def test_bad_path_is_refused(path: str) -> None:
    """Unknown, read-only and half-named fields, each with what can be named."""
    with pytest.raises(FieldInvalid) as refused:
        merged(Scene(), path)
    assert refused.value.field == "update_mask"
    assert refused.value.remedy
    assert len(refused.value.message) < 300


def test_message_is_replaced_as_a_whole() -> None:
    """A message in a message is not merged with what was there."""
    project = project_pb2.Project
    before = project(s3=project_pb2.S3Storage(bucket="old", region="eu"))
    given = project(s3=project_pb2.S3Storage(bucket="new"))
    assert merge(before, given, FieldMask(paths=["s3"]), ("s3",)).s3 == given.s3
    assert not merge(before, project(), FieldMask(paths=["s3"]), ("s3",)).HasField("s3")
    with pytest.raises(FieldInvalid):
        merge(before, given, FieldMask(paths=["s3.bucket"]), ("s3",))
    assert merge(run_pb2.RunSpec(), run_pb2.RunSpec(seed=0), FieldMask(paths=["seed"]), ("seed",)).HasField("seed")
