"""StyleService: unpack, have pictures described, pack."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bullpen_api.v1 import bible_pb2, style_pb2, style_pb2_grpc
from bullpen_api.worker.v1 import link_pb2

from bullpend.assets import store as assets
from bullpend.assets.files import Files
from bullpend.bible.model import STYLE_GUIDES
from bullpend.bible.shelf import Shelf
from bullpend.clock import new_id
from bullpend.db import Database, Row
from bullpend.db.database import View
from bullpend.errors import ContentLost, FieldInvalid, LimitExceeded, ModelNotFound, ModelUnsupported
from bullpend.models.loading import Loading
from bullpend.projects import store as projects
from bullpend.quality.model import Checks
from bullpend.rpc import names
from bullpend.styles import rules, vision
from bullpend.styles.vision import Endpoint

RunTask = Callable[[link_pb2.Task], Awaitable[link_pb2.TaskDone]]
MOST_PICTURES = 12
# Of a copy that a language model is shown.
SHOWN_PIXELS = 768 * 768
_TAG, _STYLE = "tag", "style"


class StyleService(style_pb2_grpc.StyleServiceServicer):
    """Reads and compares looks."""

    def __init__(
        self,
        database: Database,
        files: Files,
        shelf: Shelf,
        models: Loading,
        run_task: RunTask,
        judges: Callable[[str], Checks],
        words: Path,
        scratch: Path,
        endpoint: Endpoint,
        reveal: Callable[[str], Awaitable[str]],
    ) -> None:
        """`judges` gives the checks of a project, whose models judge looks; `words` is the file of the settings."""
        self._database = database
        self._files = files
        self._shelf = shelf
        self._models = models
        self._run_task = run_task
        self._judges = judges
        self._words = words
        self._scratch = scratch
        self._endpoint = endpoint
        self._reveal = reveal

    async def ReadStyle(self, request: style_pb2.ReadStyleRequest, context: Any) -> style_pb2.StyleReading:  # noqa: N802 -- gRPC's names from here on
        """Words for the look of pictures."""
        (project,) = names.parse(request.parent, "projects/*", "parent")
        wanted = list(dict.fromkeys(request.assets))
        if not wanted:
            raise FieldInvalid("`assets` is empty.", field="assets", remedy="Name 1 to 12 pictures of one look.")
        if len(wanted) > MOST_PICTURES:
            raise LimitExceeded(
                f"{len(wanted)} pictures are given; at most {MOST_PICTURES} are read at once.",
                field="assets",
                limit=MOST_PICTURES,
            )
        found = await self._pictures(project, wanted, "assets")
        words = await asyncio.to_thread(rules.load, self._words)
        tagger = await self._tagger(request.model, project)
        described = await self._described([path for _, path in found], tagger, None)
        tags = rules.gathered([[(tag.head, tag.word, tag.share) for tag in one.tags] for one in described])
        said = await self._asked(found, tags, words) if request.ask_language_model else None
        made = rules.reading(tags, len(found), words, said)
        made.model = tagger.name
        made.style_guide.anchors.extend(wanted)
        return made

    async def CompareStyles(  # noqa: N802
        self, request: style_pb2.CompareStylesRequest, context: Any
    ) -> style_pb2.StyleComparison:
        """Two looks beside each other."""
        first = await self._guide(request.first, "first")
        second = await self._guide(request.second, "second")
        project = request.first.split("/")[1]
        if request.second.split("/")[1] != project:
            raise FieldInvalid("The style guides are of two projects.", field="second")
        made = rules.compared(first, second)
        bare = [guide.name for guide in (first, second) if not guide.anchors]
        encoder = await self._encoder(project)
        if bare or encoder is None:
            why = f"{', '.join(bare)} has no anchors" if bare else "no model that judges style is installed"
            made.notes.append(f"How alike the pictures look cannot be told: {why}.")
            return made
        points = []
        for guide, field in ((first, "first"), (second, "second")):
            shown = await self._pictures(project, list(guide.anchors)[:MOST_PICTURES], field)
            described = await self._described([path for _, path in shown], None, encoder)
            points.append([list(one.point) for one in described])
            made.threshold = described[0].threshold
        made.likeness = rules.likeness(*points)
        return made

    async def _guide(self, name: str, field: str) -> bible_pb2.StyleGuide:
        names.parse(name, "projects/*/styleGuides/*", field)
        return await self._shelf.get(STYLE_GUIDES, name)

    async def _pictures(self, project: str, wanted: Sequence[str], field: str) -> list[tuple[Row, Path]]:
        """Pictures of a project with their files. Raises ResourceNotFound or ContentLost."""

        def read(view: View) -> list[Row]:
            projects.get(view, project, "parent")
            made = []
            for name in wanted:
                owner, slug = names.parse(name, "projects/*/assets/*", field)
                if owner != project:
                    raise FieldInvalid(f"{name} lies in another project.", field=field)
                made.append(assets.get(view, owner, slug, field))
            return made

        found = []
        for row in await self._database.read(read):
            path = self._files.content(row["project"], row["sha256"], row["mime_type"])
            if not await asyncio.to_thread(path.is_file):
                raise ContentLost(f"The content of {row['slug']} is gone.", field=field)
            found.append((row, path))
        return found

    async def _described(
        self, paths: Sequence[Path], tagger: link_pb2.ModelRef | None, encoder: link_pb2.ModelRef | None
    ) -> list[link_pb2.PictureDescribed]:
        made = []
        for path in paths:
            task = link_pb2.DescribePicture(path=str(path), tagger=tagger, encoder=encoder)
            made.append((await self._run_task(link_pb2.Task(describe_picture=task))).picture_described)
        return made

    async def _tagger(self, wanted: str, project: str) -> link_pb2.ModelRef:
        """The tagger that is asked for, the project's, or one that is installed. Raises ModelNotFound."""
        own = self._judges(project).judges.get("characters", "")
        if wanted:
            return await self._able_to_tag(wanted)
        for name in filter(None, [own, *await self._able(_TAG)]):
            with suppress(ModelNotFound):
                return await asyncio.to_thread(self._models.judge, name)
        raise ModelNotFound("No tagger is installed.", field="model", remedy="Install one; the starter has one.")

    async def _able_to_tag(self, name: str) -> link_pb2.ModelRef:
        """A model by its name, if it is a tagger. Raises ModelNotFound, ModelUnsupported."""
        ref = await asyncio.to_thread(self._models.judge, name)
        if ref.name not in await self._able(_TAG):
            raise ModelUnsupported(
                f"{ref.name} gives no tags.", field="model", remedy="Name a tagger, or none for the project's own."
            )
        return ref

    async def _encoder(self, project: str) -> link_pb2.ModelRef | None:
        """What judges style in a project; None where nothing does."""
        own = self._judges(project).judges.get(_STYLE, "")
        if not own:
            return None
        with suppress(ModelNotFound):
            return await asyncio.to_thread(self._models.judge, own)
        return None

    async def _able(self, capability: str) -> list[str]:
        known = await asyncio.to_thread(self._models.known)
        return [model.name for model in known if capability in model.capabilities]

    async def _asked(
        self, found: Sequence[tuple[Row, Path]], tags: Sequence[rules.Tag], words: rules.Words
    ) -> rules.Said:
        """What the language model says, shown small copies that are removed afterwards."""
        told = ", ".join(f"{tag.head}: {tag.word} ({tag.share:.0%})" for tag in tags[:20])
        copies: list[Path] = []
        try:
            for _, path in found if self._endpoint.url else ():
                copy = self._scratch / f"style-{new_id()}.png"
                copies.append(copy)
                task = link_pb2.PrepareUpload(path=str(path), out_path=str(copy), most_pixels=SHOWN_PIXELS)
                await self._run_task(link_pb2.Task(prepare_upload=task))
            shown = [(copy, "image/png") for copy in copies]
            question = words.prompt.format(tags=told)
            return rules.read_answer(await vision.ask(self._endpoint, self._reveal, question, shown), words)
        finally:
            for copy in copies:
                await asyncio.to_thread(copy.unlink, missing_ok=True)
