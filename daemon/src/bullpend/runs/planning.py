"""Gathers the facts that the planner decides on: from the database, the models, the disk and the scheduler."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bullpen_api.v1 import run_pb2
from bullpen_api.worker.v1 import link_pb2

from bullpend.bible import store as bible
from bullpend.bible.model import SCENES
from bullpend.costs import limits
from bullpend.costs.model import Budget, Quote
from bullpend.costs.quotes import Quoting
from bullpend.db import Database, Row
from bullpend.db.database import View
from bullpend.errors import BullpenError, from_failure
from bullpend.models.model import Model
from bullpend.models.registry import Registry
from bullpend.projects import store as projects
from bullpend.runs import descent, inputs, rules, store, strategies
from bullpend.runs.casting import Bible
from bullpend.runs.estimates import Timing
from bullpend.runs.manifests import Manifests
from bullpend.runs.model import RunRequest, Strategy
from bullpend.runs.plan import (
    DeviceFacts,
    FolderPicture,
    PictureFacts,
    PlanDraft,
    PlanWorld,
    SceneFacts,
    StyleGuideFacts,
    TemplateFacts,
)
from bullpend.runs.wire import read_spec

RunTask = Callable[[link_pb2.Task], Awaitable[link_pb2.TaskDone]]
Payer = Callable[[str, Model], Awaitable[Model]]
# Where the pictures of a provider's model are made.
PROVIDER = DeviceFacts("devices/remote", "remote", "Provider", "the model runs at a provider")


@dataclass(frozen=True, slots=True)
class Measured:
    """What a device has measured: seconds of a step of the model at any size, of all models by size, memory of work."""

    seconds_per_step: float | None = None
    timings: tuple[Timing, ...] = ()
    footprints: tuple[tuple[int, int], ...] = ()


class Planning:
    """Makes plans; starts nothing."""

    def __init__(
        self,
        database: Database,
        manifests: Manifests,
        registry: Registry,
        roots: Sequence[Path],
        devices: Callable[[], Sequence[DeviceFacts]],
        resident: Callable[[], Iterable[str]],
        run_task: RunTask,
        quoting: Quoting = lambda model, width, height: None,
        payer: Payer | None = None,
    ) -> None:
        """`devices` are those in general use now, the preferred one first; `payer` gives a provider's model with the
        account that pays for it in a project.
        """
        self._payer = payer
        self._manifests = manifests
        self._database = database
        self._registry = registry
        self._roots = roots
        self._devices = devices
        self._resident = resident
        self._run_task = run_task
        self._quoting = quoting

    async def draft(self, project: str, spec: run_pb2.RunSpec) -> PlanDraft:
        """The plan of a request. Raises what RunService.PlanRun lists."""
        try:
            return await self._draft(project, spec)
        except BullpenError:
            # That there is no such project is said before anything else; where there is, nobody has waited for it.
            await self._database.read(lambda view: projects.get(view, project, "parent"))
            raise

    async def _draft(self, project: str, spec: run_pb2.RunSpec) -> PlanDraft:
        request = read_spec(project, spec)
        manifest = self._manifests.of(project)
        rules.check_request(request, manifest)
        model = await self.model(rules.wanted_model(request, manifest))
        devices = tuple(self._devices())
        if model.engine == "remote" and self._payer is not None:
            model, devices = await self._payer(project, model), (PROVIDER,)
        used = tuple([await self.lora(use.model, index) for index, use in enumerate(request.loras)])
        pictures, skipped = (
            await self._folder(request, manifest.safe_batch_limit) if request.input_folder else (None, ())
        )
        world = await self._database.read(lambda view: self._world(view, request, model))
        own = await self._cast_loras(world[0])
        installed, fitting = await self._beside(rules.wanted_strategies(request, manifest), model)
        quote = await self.quote(model, request.sampling.width, request.sampling.height)
        budget = await self._database.read(lambda view: limits.budget(view, project)) if quote else Budget()
        return rules.plan(
            request,
            PlanWorld(
                manifest=manifest,
                model=model,
                scenes=world[0],
                style_guides=world[1],
                pictures=pictures,
                skipped=skipped,
                loras=used,
                resident_models=frozenset(self._resident()),
                devices=devices,
                seconds_per_step=world[2].seconds_per_step,
                timings=world[2].timings,
                footprints=world[2].footprints,
                templates=world[3],
                cast_loras=own,
                companions=fitting,
                installed=installed,
                quote=quote,
                budget=budget,
                wildcards=self._manifests.wildcards(project).lines,
            ),
        )

    async def model(self, name: str) -> Model:
        """A model that was found sound. Raises ModelNotFound, ModelCorrupt, ModelUnsafe, ModelUnsupported."""
        return await asyncio.to_thread(self._registry.verify, name)

    async def quote(self, model: Model, width: int | None, height: int | None) -> Quote | None:
        """What a provider takes for a picture of a model; None for work on own devices. Raises SettingInvalid."""
        size = (width or model.default_width, height or model.default_height)
        if model.engine != "remote":
            return self._quoting(model, *size)
        # Prices are read from a file.
        return await asyncio.to_thread(self._quoting, model, *size)

    async def lora(self, name: str, index: int) -> Model:
        """The LoRA that a request names at this place. Raises what `model` raises, naming the field."""
        try:
            return await self.model(name)
        except BullpenError as error:
            error.field = f"loras[{index}].model"
            raise

    async def _cast_loras(self, scenes: Sequence[SceneFacts]) -> dict[str, Model | BullpenError]:
        """The LoRAs of the scenes' characters, by the names that the bible gives; or why they cannot be used."""
        found: dict[str, Model | BullpenError] = {}
        for name in {use.model: None for scene in scenes for member in scene.cast for use in member.loras}:
            try:
                found[name] = await self.model(name)
            except BullpenError as error:
                found[name] = error
        return found

    async def _beside(self, wanted: Sequence[Strategy], model: Model) -> tuple[tuple[Model, ...], tuple[Model, ...]]:
        """All models, for words, and the sound ones that fit beside the model, where a strategy may need one."""
        if wanted[0].value in model.capabilities and wanted[0] not in strategies.ACCOMPANIED:
            return (), ()
        installed = await asyncio.to_thread(self._registry.models)
        fitting = []
        for one in strategies.companions(installed, model):
            try:
                fitting.append(await self.model(one.name))
            except BullpenError:
                continue  # the list of models says what is wrong with it
        return installed, tuple(fitting)

    async def _folder(self, request: RunRequest, limit: int) -> tuple[tuple[FolderPicture, ...], tuple[str, ...]]:
        listing = await asyncio.to_thread(inputs.list_pictures, request.input_folder, self._roots, limit)
        paths = [str(path) for path in listing.pictures]
        task = link_pb2.Task(inspect_pictures=link_pb2.InspectPictures(paths=paths))
        seen = (await self._run_task(task)).pictures_inspected.pictures if paths else []
        pictures = []
        for picture in seen:
            below = Path(picture.path).relative_to(listing.folder).as_posix()
            if picture.HasField("failure"):
                error = from_failure(picture.failure.reason, picture.failure.message, picture.failure.remedy)
                error.field, error.metadata["path"] = "input_folder", below
                raise error
            digest = await asyncio.to_thread(inputs.hash_file, Path(picture.path))
            pictures.append(FolderPicture(below, picture.path, digest, picture.width, picture.height))
        return tuple(pictures), listing.skipped

    def _world(
        self, view: View, request: RunRequest, model: Model
    ) -> tuple[tuple[SceneFacts, ...], tuple[StyleGuideFacts, ...], Measured, tuple[TemplateFacts, ...]]:
        project = request.project
        projects.get(view, project, "parent")
        chosen = _scenes(view, project, request.scenes)
        some = [row["slug"] for row in chosen] if request.scenes else []
        accepted = bible.accepted(view, project, *some) if chosen else {}
        wanted = {row["source_asset"] for row in chosen}
        wanted |= {item["asset"] for row in chosen for item in accepted.get(row["slug"], [])}
        pictures = _pictures(view, project, [name.rsplit("/", 1)[-1] for name in wanted])
        said = Bible(view, project)
        scenes = []
        for row in chosen:
            members = said.cast(row)
            scenes.append(
                SceneFacts(
                    name=f"projects/{project}/scenes/{row['slug']}",
                    title=row["title"],
                    ordinal=row["ordinal"],
                    source=pictures.get(row["source_asset"].rsplit("/", 1)[-1]),
                    variables=row["variables"],
                    characters=tuple(member.words for member in members),
                    cast=members,
                    accepted={
                        item["stage"]: _with_age(pictures[item["asset"].rsplit("/", 1)[-1]], item["stale"])
                        for item in accepted.get(row["slug"], [])
                    },
                )
            )
        return tuple(scenes), said.style_guides(), self._measured(view, model), said.templates()

    def _measured(self, view: View, model: Model) -> Measured:
        """What the first device has measured; nothing of it counts for a provider's model."""
        devices = self._devices()
        if not devices or model.engine == "remote":
            return Measured(store.step_seconds(view, model.name, ""))
        device = devices[0]
        return Measured(
            store.step_seconds(view, model.name, device.name),
            store.timings(view, device.name),
            store.footprints(view, model.digest, device.kind),
        )


def _with_age(picture: PictureFacts, stale: str) -> PictureFacts:
    why = descent.from_json(stale)
    return replace(picture, stale=why.words()) if why else picture


def _scenes(view: View, project: str, names: Sequence[str] | None) -> list[Row]:
    """Rows of the scenes that a run takes; all of the project where it takes all, or names one that is not there."""
    if names is None:
        return []
    if names:
        slugs = {name.rsplit("/", 1)[-1] for name in names}
        marks = ", ".join("?" * len(slugs))
        rows = view.all(
            f"SELECT * FROM scenes WHERE project = ? AND slug IN ({marks}) AND delete_time IS NULL", project, *slugs
        )
        if len(rows) == len(slugs):
            return [bible.load(SCENES, row) for row in rows]
    return bible.page(view, SCENES, project, (-(2**31), 0), 1_000_000)


def _pictures(view: View, project: str, slugs: Sequence[str]) -> dict[str, PictureFacts]:
    """Facts of assets, by their ids."""
    marks = ", ".join("?" * len(slugs))
    sql = f"SELECT slug, sha256, width, height FROM assets WHERE project = ? AND slug IN ({marks})"
    return {
        slug: PictureFacts(f"projects/{project}/assets/{slug}", sha256, width, height)
        for slug, sha256, width, height in view.tuples(sql, project, *slugs)
    }
