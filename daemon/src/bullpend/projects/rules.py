"""What may be said of a project: its words, and where its pictures are kept. Pure functions."""

from __future__ import annotations

import re

from bullpen_api.v1 import project_pb2
from google.protobuf.json_format import MessageToDict

from bullpend.db import Row
from bullpend.errors import FieldInvalid
from bullpend.rpc import names, outside

WRITABLE = ("title", "story", "storage", "s3")
SECRETS = ("access_key_id", "secret_access_key", "session_token")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ADDRESS = re.compile(r"[0-9]+(\.[0-9]+){3}")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_KEY = re.compile(r"[A-Za-z0-9!_.*'()/-]+")
MAX_PREFIX = 512


def checked(slug: str, project: project_pb2.Project) -> Row:
    """The columns of a project as it is said. Raises FieldInvalid naming the path of the first field at fault."""
    storage = names.choice(project_pb2.Project.Storage.DESCRIPTOR, project.storage, "project.storage")
    local = storage in ("UNSPECIFIED", "LOCAL")
    if project.HasField("s3"):
        _s3(project.s3)
    elif not local:
        raise FieldInvalid(
            "`project.s3` is missing, and STORAGE_S3 needs a bucket.",
            field="project.s3.bucket",
            remedy="Name the bucket, or keep the pictures local.",
        )
    return {
        "title": names.text(project.title, "project.title", 200) or slug.replace("_", " ").title(),
        "story": names.text(project.story, "project.story", 20_000),
        "storage": "LOCAL" if local else storage,
        "s3": MessageToDict(project.s3, preserving_proto_field_name=True),
    }


def _s3(s3: project_pb2.S3Storage) -> None:
    """Bucket names are those of Amazon's documentation, which other servers keep to; keys are its safe characters."""
    at = "project.s3"
    if not _BUCKET.fullmatch(s3.bucket) or ".." in s3.bucket or _ADDRESS.fullmatch(s3.bucket):
        raise FieldInvalid(
            f"`{at}.bucket` is {s3.bucket[:100]!r}, which is no name of a bucket.",
            field=f"{at}.bucket",
            remedy="Give 3–63 of a-z 0-9 . -, beginning and ending with a letter or digit.",
        )
    if not s3.region and not s3.endpoint_url:
        raise FieldInvalid(
            f"`{at}.region` and `{at}.endpoint_url` are both empty.",
            field=f"{at}.region",
            remedy="Give the region, such as eu-central-1, or the address of another server.",
        )
    if s3.region and not _REGION.fullmatch(s3.region):
        raise FieldInvalid(f"`{at}.region` is {s3.region[:100]!r}, which is no region.", field=f"{at}.region")
    parts = s3.prefix.split("/")
    if s3.prefix and (
        not _KEY.fullmatch(s3.prefix) or len(s3.prefix) > MAX_PREFIX or any(part in ("", ".", "..") for part in parts)
    ):
        raise FieldInvalid(
            f"`{at}.prefix` is {s3.prefix[:100]!r}, which cannot stand before a key.",
            field=f"{at}.prefix",
            remedy="Give letters, digits and !_.*'()- in parts between slashes, without a slash at the ends.",
        )
    outside.address(s3.endpoint_url, f"{at}.endpoint_url")
    outside.secret_names(s3.secret_names, SECRETS, f"{at}.secret_names")
