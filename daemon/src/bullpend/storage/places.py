"""Places that pictures are brought to. Blocking; the service runs them in threads.

Each puts a file there whole or not at all, under a key such as `assets/ab/cd/<sha256>.png`, and checks what it read
against the hash that is wanted. Nothing is ever deleted.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from bullpend.clock import new_id
from bullpend.errors import DiskFull, PathNotAllowed, StorageUnavailable

CHUNK = 1 << 20


class Damaged(Exception):
    """A file here is not what its hash says, or is gone."""


class Place(Protocol):
    """Somewhere else. `size` and `sha256` are those of the file that is wanted there."""

    title: str

    def holds(self, key: str, size: int, sha256: str, verify: bool) -> bool:
        """Whether the file is there; with `verify` its content is read again."""
        ...

    def put(self, key: str, source: Path, sha256: str) -> int:
        """Copies a file; returns its bytes. Raises Damaged, and then nothing is there."""
        ...


def sha256_of(path: Path) -> str:
    """Hash of a file. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Folder:
    """A folder of this machine. What lies at a key is a plain file inside of it, whatever links somebody put there."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.title = str(root)

    def holds(self, key: str, size: int, sha256: str, verify: bool) -> bool:
        """By size; with `verify` by content."""
        path = self._root / key
        if path.is_symlink() or not path.is_file() or path.stat().st_size != size:
            return False
        return not verify or sha256_of(path) == sha256

    def put(self, key: str, source: Path, sha256: str) -> int:
        """Under another name first, then durable, then in its place. Raises Damaged, DiskFull, PathNotAllowed."""
        target = self._root / key
        draft = target.with_name(f".{target.name}.{new_id(4)}.part")
        with _mapped(self.title):
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.parent.resolve().is_relative_to(self._root.resolve()):
                raise PathNotAllowed(f"{target.parent} leads out of {self._root}.", field="folder", path=target.parent)
            try:
                size = _copy(source, draft, sha256)
                draft.replace(target)
                _durable(target.parent)
            finally:
                draft.unlink(missing_ok=True)
        return size


class Bucket:
    """An S3 bucket. A file's hash is kept in its metadata, since an ETag is none for large ones."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self.title = f"s3://{bucket}/{prefix}".rstrip("/")

    def holds(self, key: str, size: int, sha256: str, verify: bool) -> bool:
        """By size and the hash that was kept; with `verify` by content. Raises StorageUnavailable."""
        from botocore.exceptions import ClientError  # type: ignore[import-not-found, unused-ignore]  # an extra

        with self._reached():
            try:
                head = self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey", "NotFound"):
                    return False
                raise
            if head["ContentLength"] != size or head.get("Metadata", {}).get("sha256") != sha256:
                return False
            if not verify:
                return True
            body = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)["Body"]
            found = hashlib.sha256()
            for chunk in iter(lambda: body.read(CHUNK), b""):
                found.update(chunk)
            return found.hexdigest() == sha256

    def put(self, key: str, source: Path, sha256: str) -> int:
        """One object. Raises Damaged, StorageUnavailable."""
        try:
            data = source.read_bytes()
        except OSError as error:
            raise Damaged(str(error.strerror)) from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise Damaged("it is not what its hash says")
        with self._reached():
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=data, Metadata={"sha256": sha256})
        return len(data)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-not-found, unused-ignore]  # an extra

        try:
            yield
        except (BotoCoreError, ClientError) as error:
            said = " ".join(str(error).split())[:200]
            raise StorageUnavailable(f"{self.title} cannot be used: {said}") from error


def bucket_of(s3: Mapping[str, Any], project: str, secrets: Mapping[str, str]) -> Bucket:
    """The bucket that a project names. Raises StorageUnavailable where nothing speaks to it."""
    try:
        import boto3  # type: ignore[import-not-found, unused-ignore]  # an extra
        from botocore.config import Config  # type: ignore[import-not-found, unused-ignore]  # an extra
    except ImportError as error:
        raise StorageUnavailable("What speaks to S3 is not installed.") from error
    client = boto3.client(
        "s3",
        region_name=s3.get("region") or "us-east-1",
        endpoint_url=s3.get("endpoint_url") or None,
        aws_access_key_id=secrets.get("access_key_id"),
        aws_secret_access_key=secrets.get("secret_access_key"),
        aws_session_token=secrets.get("session_token"),
        config=Config(
            connect_timeout=10,
            read_timeout=60,
            retries={"total_max_attempts": 3, "mode": "standard"},
            s3={"addressing_style": "path" if s3.get("path_style") else "auto"},
        ),
    )
    return Bucket(client, str(s3["bucket"]), "/".join(part for part in (s3.get("prefix"), project) if part))


def _copy(source: Path, target: Path, sha256: str) -> int:
    """Copies and hashes in one reading. Raises Damaged; OSError is the target's."""
    found, size = hashlib.sha256(), 0
    with target.open("xb") as out:
        for chunk in _chunks(source):
            found.update(chunk)
            out.write(chunk)
            size += len(chunk)
        if found.hexdigest() != sha256:
            raise Damaged("it is not what its hash says")
        out.flush()
        os.fsync(out.fileno())
    return size


def _chunks(source: Path) -> Iterator[bytes]:
    try:
        with source.open("rb") as file:
            read: Callable[[], bytes] = lambda: file.read(CHUNK)  # noqa: E731 - one expression for iter
            yield from iter(read, b"")
    except OSError as error:
        raise Damaged(str(error.strerror)) from error


def _durable(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _mapped(title: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"The disk of {title} is full.", field="folder") from error
        raise StorageUnavailable(f"{title} cannot be written: {error.strerror}.", field="folder") from error
