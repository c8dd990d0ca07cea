"""The part of the fake daemon that writes the bible: it keeps what it is told, with etags, and remembers the calls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bullpen_api.v1 import asset_pb2, bible_pb2, bootstrap_pb2, lineage_pb2, vault_pb2
from bullpen_client.errors import AlreadyExists, EtagMismatch, ResourceNotFound
from bullpen_tui.bible.draft import copy_of, take
from bullpen_tui.bible.kinds import Entry, Kind

from tests.tui import story


class FakeBible:
    """Implements `BiblePort`."""

    revision: int

    def begin_bible(self, empty: bool) -> None:
        kept: list[Any] = []
        if not empty:
            kept = [*story.scenes(), *story.characters(), *story.style_guides(), *story.reference_sets()]
            kept += story.prompt_templates()
        self.entries: dict[str, Any] = {one.name: one for one in kept}
        for one in kept:
            one.etag = f"etag-{one.revision}"
        self.imported = bootstrap_pb2.ImportBootstrapResponse()
        self.taken: list[asset_pb2.Asset] = []
        self.kept_secrets: list[vault_pb2.Secret] = []

    def _note(self, name: str, *details: object) -> None:
        raise NotImplementedError

    def kept(self, kind: type[Any], project: str) -> list[Any]:
        """What is kept of a kind, without the trash."""
        inside = (one for name, one in self.entries.items() if name.startswith(project + "/"))
        return [one for one in inside if isinstance(one, kind) and not one.HasField("delete_time")]

    async def prompt_templates(self, project: str) -> bible_pb2.ListPromptTemplatesResponse:
        self._note("prompt_templates", project)
        found = self.kept(bible_pb2.PromptTemplate, project)
        return bible_pb2.ListPromptTemplatesResponse(prompt_templates=found, revision=self.revision)

    async def entry(self, name: str) -> Entry:
        self._note("entry", name)
        if name not in self.entries:
            raise ResourceNotFound(f"There is no {name}.")
        return self._copy(self.entries[name])

    async def create_entry(self, kind: Kind, project: str, slug: str, entry: Entry, request_id: str) -> Entry:
        name = f"{project}/{kind.collection}/{slug}"
        self._note("create_entry", name)
        if name in self.entries:
            raise AlreadyExists(f"{name} exists.", field=f"{kind.singular}_id")
        made = self._copy(entry)
        made.name = name
        return self.put(made)

    async def update_entry(self, entry: Entry, paths: Sequence[str]) -> Entry:
        self._note("update_entry", entry.name, tuple(paths))
        known = self.entries[entry.name]
        if entry.etag != known.etag:
            raise EtagMismatch(f"{entry.name} was changed since it was read.")
        changed = self._copy(known)
        for path in paths:
            take(changed, entry, path)
        return self.put(changed)

    def put(self, entry: Entry) -> Entry:
        """Keeps a resource under a new revision, as anybody may have written it."""
        self.revision += 1
        entry.revision = self.revision
        entry.etag = f"etag-{self.revision}"
        self.entries[entry.name] = entry
        return self._copy(entry)

    @staticmethod
    def _copy(entry: Entry) -> Entry:
        return copy_of(entry)

    async def take_picture(self, project: str, path: Path, kind: asset_pb2.Asset.Kind.ValueType) -> asset_pb2.Asset:
        self._note("take_picture", project, path, kind)
        self.revision += 1
        made = asset_pb2.Asset(
            name=f"{project}/assets/taken-{path.stem}-1",
            kind=kind,
            display_name=path.name,
            width=64,
            height=64,
            create_time=story.at(-self.revision),
            revision=self.revision,
        )
        self.taken.append(made)
        return made

    async def provider_accounts(self, project: str) -> list[Entry]:
        self._note("provider_accounts", project)
        return self.kept(bible_pb2.ProviderAccount, project)

    async def trashed(self, project: str) -> list[Entry]:
        self._note("trashed", project)
        inside = [one for name, one in self.entries.items() if name.startswith(project + "/")]
        return [one for one in inside if one.HasField("delete_time")]

    async def secrets(self) -> vault_pb2.ListSecretsResponse:
        self._note("secrets")
        return vault_pb2.ListSecretsResponse(secrets=self.kept_secrets)

    async def vault(self) -> vault_pb2.VaultStatus:
        self._note("vault")
        return vault_pb2.VaultStatus(current=len(self.kept_secrets))

    async def set_secret(self, name: str, value: str) -> vault_pb2.Secret:
        self._note("set_secret", name, len(value))
        self.kept_secrets.append(vault_pb2.Secret(name=name, version=1))
        return self.kept_secrets[-1]

    async def export_bootstrap(self, project: str) -> bootstrap_pb2.ExportBootstrapResponse:
        self._note("export_bootstrap", project)
        return bootstrap_pb2.ExportBootstrapResponse(prompt="Write a bible.", schema_json="{}", document_json="{}")

    async def import_bootstrap(
        self, project: str, document: str, replace: bool, digest: str
    ) -> bootstrap_pb2.ImportBootstrapResponse:
        self._note("import_bootstrap", project, document, replace, digest)
        answer = bootstrap_pb2.ImportBootstrapResponse()
        answer.CopyFrom(self.imported)
        answer.applied = bool(digest)
        return answer

    async def lineage(self, name: str) -> lineage_pb2.Lineage:
        self._note("lineage", name)
        return story.lineage(name)
