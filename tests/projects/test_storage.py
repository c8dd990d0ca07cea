"""Where a project's pictures are kept: what may be said of it, and that projects are changed like everything else."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import project_pb2 as pb
from bullpen_client import errors
from bullpend.errors import FieldInvalid
from bullpend.projects import rules
from google.protobuf.field_mask_pb2 import FieldMask

from tests.support.daemon import Daemon
from tests.support.studio import Studio
from tests.support.watching import check_watch

S3 = pb.Project.STORAGE_S3


def s3(**fields: object) -> pb.S3Storage:
    return pb.S3Storage(**{"bucket": "noir-city", "region": "eu-central-1", **fields})  # type: ignore[arg-type]  # its fields


@pytest.mark.parametrize(
    ("bucket", "field"),
    [
        (s3(bucket=""), "bucket"),
        (s3(bucket="ab"), "bucket"),
        (s3(bucket="Upper"), "bucket"),
        (s3(bucket="-dash"), "bucket"),
        (s3(bucket="two..dots"), "bucket"),
        (s3(bucket="192.168.0.1"), "bucket"),
        (s3(bucket="x" * 64), "bucket"),
        (s3(region=""), "region"),
        (s3(region="EU west"), "region"),
        (s3(prefix="/noir"), "prefix"),
        (s3(prefix="noir/"), "prefix"),
        (s3(prefix="a/../b"), "prefix"),
        (s3(prefix="a b"), "prefix"),
        (s3(prefix="x" * 513), "prefix"),
        (s3(endpoint_url="http://s3.example"), "endpoint_url"),
        (s3(secret_names={"access_key_id": "AKIAIOSFODNN7EXAMPLE"}), "secret_names.access_key_id"),
        (s3(secret_names={"password": "x"}), "secret_names"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_bucket_is_refused_by_its_field(bucket: pb.S3Storage, field: str) -> None:
    """Every field has its rule, also while the storage is local."""
    for storage in (S3, pb.Project.STORAGE_LOCAL):
        with pytest.raises(FieldInvalid) as refused:
            rules.checked("p", pb.Project(storage=storage, s3=bucket))
        assert refused.value.field == f"project.s3.{field}"


def test_s3_needs_a_bucket_and_unknown_storages_are_none() -> None:
    """S3 without a bucket, and a storage of another version, are refused."""
    with pytest.raises(FieldInvalid) as refused:
        rules.checked("p", pb.Project(storage=S3))
    assert refused.value.field == "project.s3.bucket"
    with pytest.raises(FieldInvalid) as unknown:
        rules.checked("p", pb.Project(storage=7))  # type: ignore[arg-type]  # what a later version may send
    assert unknown.value.field == "project.storage"


def test_good_buckets_pass() -> None:
    """Amazon's with a region, others with an address, with names of secrets and a prefix."""
    other = s3(region="", endpoint_url="http://127.0.0.1:9000", prefix="art/noir", path_style=True)
    for bucket in (s3(), other, s3(secret_names={"access_key_id": "minio-id", "secret_access_key": "minio-key"})):
        said = rules.checked("p", pb.Project(storage=S3, s3=bucket))
        assert said["storage"] == "S3"


@pytest.mark.e2e
async def test_j01_project_is_changed_by_mask_and_etag(studio: Studio, daemon: Daemon) -> None:
    """Title, story and storage change as named, a stale etag is refused, and each change is an event."""
    projects = studio.session.projects
    name = await studio.project()
    made = await projects.GetProject(pb.GetProjectRequest(name=name))
    bucket = s3(secret_names={"access_key_id": "minio-id"}, prefix="noir")
    given = pb.Project(name=name, title="ignored", storage=S3, s3=bucket, etag=made.etag)
    mask = FieldMask(paths=["storage", "s3"])
    changed = await projects.UpdateProject(pb.UpdateProjectRequest(project=given, update_mask=mask))
    assert (changed.title, changed.storage, changed.s3) == (made.title, S3, bucket)
    assert await projects.GetProject(pb.GetProjectRequest(name=name)) == changed
    with pytest.raises(errors.EtagMismatch):
        await projects.UpdateProject(pb.UpdateProjectRequest(project=given, update_mask=mask))
    local = pb.Project(name=name, storage=pb.Project.STORAGE_LOCAL, story="Another one.")
    back = await projects.UpdateProject(pb.UpdateProjectRequest(project=local))
    assert (back.story, back.storage, back.s3) == ("Another one.", pb.Project.STORAGE_LOCAL, bucket)
    same = await projects.UpdateProject(pb.UpdateProjectRequest(project=back))
    assert same.revision == back.revision
    figures = FieldMask(paths=["figures"])
    with pytest.raises(errors.FieldInvalid) as refused:
        await projects.UpdateProject(pb.UpdateProjectRequest(project=back, update_mask=figures))
    assert refused.value.field == "update_mask"
    watched = await check_watch(studio.session, daemon.home, name)
    assert [event.kind for event in watched.events] == ["project.created", "project.updated", "project.updated"]


@pytest.mark.e2e
async def test_j01_project_is_created_with_a_bucket(studio: Studio) -> None:
    """A project may name its bucket from the start; a bad one leaves nothing."""
    projects = studio.session.projects
    request = pb.CreateProjectRequest(project_id="in-a-bucket", project=pb.Project(storage=S3, s3=s3(bucket="B")))
    with pytest.raises(errors.FieldInvalid):
        await projects.CreateProject(request)
    request.project.s3.bucket = "noir-city"
    made = await projects.CreateProject(request)
    assert (made.storage, made.s3.bucket) == (S3, "noir-city")
