"""The services of the contract, each made of the rooms that it needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol

from bullpend.advisor.gathering import Gathering
from bullpend.advisor.placing import Placing
from bullpend.advisor.service import AdvisorService
from bullpend.assembly.ground import Ground
from bullpend.assembly.works import Works
from bullpend.assets import index, verdicts
from bullpend.assets.intake import Intake
from bullpend.assets.service import AssetService
from bullpend.assets.sidecars import Sidecars
from bullpend.audit.service import AuditService
from bullpend.bible import bootstrap
from bullpend.bible.bootstrap import Bootstrap
from bullpend.bible.kept import KeptBibles
from bullpend.bible.service import BibleService
from bullpend.bible.shelf import Shelf
from bullpend.control.service import ControlService
from bullpend.copilot.whole import Whole as Copilot
from bullpend.costs import quotes
from bullpend.costs.metering import Metering
from bullpend.costs.service import CostService
from bullpend.events.service import EventService
from bullpend.exports.making import Making as ExportMaking
from bullpend.exports.progress import Board as ExportBoard
from bullpend.exports.service import ExportService
from bullpend.lab.whole import Lab
from bullpend.logs.kept import KeptLog
from bullpend.logs.service import LogService
from bullpend.metrics import prometheus
from bullpend.metrics.collect import MachineProbe
from bullpend.metrics.publishing import published
from bullpend.models.loading import Loading
from bullpend.models.service import Devices, DeviceService, ModelService
from bullpend.postprocess.redrawing import Redrawing
from bullpend.postprocess.resolving import Resolver
from bullpend.postprocess.service import PostProcessService
from bullpend.projects.service import ProjectService
from bullpend.quality.service import QualityService
from bullpend.queueing.service import QueueService
from bullpend.recipes.keeping import Recipes
from bullpend.rpc.mounting import Mount, mount
from bullpend.runs.history import HistoryService
from bullpend.runs.making import Making
from bullpend.runs.planning import Planning
from bullpend.runs.service import RunService
from bullpend.storage.service import StorageService
from bullpend.styles.rules import FILE_NAME as STYLE_WORDS
from bullpend.styles.service import StyleService
from bullpend.styles.vision import Endpoint as Vision
from bullpend.system.diagnosis import Diagnosis
from bullpend.system.repair import Repairs
from bullpend.system.service import Identity, Metrics, SystemService
from bullpend.vault import diagnosis as vault_diagnosis
from bullpend.vault.service import VaultService


class Closing(Protocol):
    """A service that holds streams open, and can let go of them."""

    def close(self) -> None:
        """Ends the streams."""


@dataclass(frozen=True, slots=True)
class Services:
    """What is served, and what lets go when that ends."""

    mounts: list[Mount]
    streaming: tuple[Closing, ...]
    copilot: Copilot

    async def close(self) -> None:
        """Ends streams and conversations; calls that wait for an end get it."""
        for service in self.streaming:
            service.close()
        await self.copilot.close()


@dataclass(frozen=True, slots=True)
class _Desk:
    """Rooms that several services share."""

    planning: Planning
    recipes: Recipes
    intake: Intake
    sidecars: Sidecars
    placing: Placing
    making: Making
    shelf: Shelf
    bootstrap: Bootstrap
    shown: Devices
    metrics: Metrics


async def assemble(
    ground: Ground,
    works: Works,
    stack: AsyncExitStack,
    identity: Identity,
    kept_log: KeptLog,
    stop: Callable[[bool], None],
) -> Services:
    """Makes all services. `stack` ends what they opened; `stop` is how a client ends the daemon."""
    desk = await _desk(ground, works)
    settings, home = ground.settings, ground.home

    async def metrics_text() -> str:
        return prometheus.render(await desk.metrics.read())

    bibles = KeptBibles(ground.database, ground.bus, home.projects)
    bibles.start()
    stack.push_async_callback(bibles.close)
    given = settings.metrics
    await stack.enter_async_context(published(metrics_text, given.file, given.socket, given.seconds))
    lab, postprocess = _pictures(ground, works, desk, stack)
    exports = await _exports(ground, works, stack)
    events = EventService(ground.database, ground.bus)
    control = ControlService(ground.database, works.dispatcher, ground.bus)
    logs = LogService(kept_log)
    texts = (lambda: works.dispatcher.texts) if ground.machine.talking else None
    copilot = Copilot(ground.database, ground.bus, settings, ground.registry, ground.vault, texts)
    servicers: list[object] = [
        *_story(ground, works, desk),
        *_host(ground, works, desk, identity, stop),
        lab,
        postprocess,
        exports,
        events,
        control,
        logs,
        CostService(ground.database),
        AuditService(ground.database),
        VaultService(ground.database, ground.vault),
        StorageService(
            ground.database,
            ground.files,
            home.root,
            settings.input_roots(),
            _key(ground, "bucket"),
            allow_private=settings.remote.allow_private_addresses,
        ),
        *ground.remote.servicers,
        *copilot.servicers,
    ]
    return Services([mount(servicer) for servicer in servicers], (events, control, logs, lab), copilot)


async def _desk(ground: Ground, works: Works) -> _Desk:
    settings, dispatcher, supervisor = ground.settings, works.dispatcher, works.supervisor
    listing = ground.remote.listing
    planning = Planning(
        ground.database,
        ground.manifests,
        ground.registry,
        settings.input_roots(),
        works.in_use,
        lambda: [view.model for view in dispatcher.residents()],
        supervisor.run_task,
        quotes.first_of(listing.quoting, quotes.scripted(settings.testing.price)),
        listing.payer,
    )
    recipes = Recipes(ground.database, ground.files, supervisor.run_task, ground.registry.models)
    style_roots = settings.style_roots(ground.manifests.base.style_roots)
    intake = Intake(ground.database, ground.files, supervisor.run_task, recipes, style_roots)
    await index.catch_up(ground.database)
    await verdicts.catch_up(ground.database)
    sidecars = Sidecars(ground.database, ground.files)
    await sidecars.write_due()

    def stage_lead(project: str, stage: str) -> int:
        order = ground.manifests.stages(project)
        return settings.scheduler.stage_lead * order.index(stage) if stage in order else 0

    placing = Placing(tuple(ground.machine.uses), works.switching.use)
    making = Making(
        ground.database,
        planning,
        intake,
        dispatcher.submit,
        settings.scheduler.queue_limit,
        stage_lead,
        settings.spend.confirm_seconds,
        placing.asked,
        settings.scheduler.batch_limit,
    )
    shelf = Shelf(
        ground.database,
        style_roots,
        ground.registry.get,
        ground.manifests.variables,
    )
    shown = Devices(dispatcher, supervisor, ground.clock)
    metrics = Metrics(MachineProbe(ground.home.root), shown.all, dispatcher, ground.bus, ground.clock)
    told = Bootstrap(shelf, settings.folder / bootstrap.FILE_NAME)
    return _Desk(planning, recipes, intake, sidecars, placing, making, shelf, told, shown, metrics)


def _story(ground: Ground, works: Works, desk: _Desk) -> list[object]:
    """Projects, their bible, runs and pictures."""
    settings, home, database, manifests = ground.settings, ground.home, ground.database, ground.manifests
    asked = settings.tree.copilot
    return [
        ProjectService(database, home.projects, manifests.stages, works.dispatcher.cancel),
        BibleService(desk.shelf, desk.bootstrap),
        RunService(database, desk.planning, desk.making, works.dispatcher, manifests),
        QueueService(database, works.dispatcher, works.board),
        QualityService(database),
        HistoryService(database, works.dispatcher, desk.recipes),
        AssetService(database, ground.files, desk.intake, desk.sidecars, settings.input_roots(), home.tmp),
        StyleService(
            database,
            ground.files,
            desk.shelf,
            Loading(ground.registry),
            works.supervisor.run_task,
            lambda project: manifests.checks(project, next(iter(manifests.stages(project)), "")),
            settings.folder / STYLE_WORDS,
            home.tmp,
            Vision(asked.url, asked.model, asked.secret),
            _key(ground, "copilot.secret"),
        ),
    ]


def _host(ground: Ground, works: Works, desk: _Desk, identity: Identity, stop: Callable[[bool], None]) -> list[object]:
    """The daemon itself, its devices and models."""
    database, registry, remote = ground.database, ground.registry, ground.remote
    shown, machine = desk.shown, desk.metrics.machine
    checks = [lambda: vault_diagnosis.check(ground.vault), remote.diagnose]
    diagnosis = Diagnosis(database, ground.files, registry, shown.all, machine, checks)
    repairs = Repairs(database, ground.files, desk.intake, ground.home.root, desk.bootstrap.bring_in)
    gathering = Gathering(
        database, desk.planning, registry, works.dispatcher, shown.drawing, machine, remote.listing.payer
    )
    return [
        ModelService(registry, works.dispatcher, ground.bus, remote.listing.complete),
        DeviceService(shown, ground.bus, works.switching),
        AdvisorService(database, gathering, desk.placing, works.dispatcher),
        SystemService(
            ground.settings,
            identity,
            desk.metrics,
            diagnosis,
            repairs,
            shown.all,
            ground.bus,
            ground.clock,
            stop,
        ),
    ]


def _pictures(ground: Ground, works: Works, desk: _Desk, stack: AsyncExitStack) -> tuple[Lab, PostProcessService]:
    """Single steps on pictures: those of a project, and those of nobody's."""
    settings, home, registry = ground.settings, ground.home, ground.registry
    dispatcher, supervisor = works.dispatcher, works.supervisor
    resolver = Resolver(registry, (settings.folder, home.root), settings.input_roots())
    metering = Metering(ground.database, home.projects, ground.clock)
    stack.push_async_callback(metering.close)
    dispatcher.singles.on_made = metering.single
    dispatcher.singles.on_spent = metering.spent
    metered = metering.long_tasks(supervisor.run_long_task)
    run_long_task = Redrawing(dispatcher, registry, supervisor.run_task, metered, home.tmp).run
    paid = ground.remote.cutouts(supervisor.run_task, run_long_task)
    lab = Lab(
        registry,
        dispatcher,
        supervisor.run_task,
        works.facts,
        ground.manifests.base.candidate_cap,
        home.tmp,
        resolver=resolver,
        run_long_task=run_long_task,
        roots=settings.input_roots(),
        paid=paid,
    )
    postprocess = PostProcessService(
        ground.database, ground.files, desk.intake, resolver, run_long_task, home.tmp, paid
    )
    return lab, postprocess


async def _exports(ground: Ground, works: Works, stack: AsyncExitStack) -> ExportService:
    """Exports; what an earlier daemon left unfinished is settled first."""
    database, files, stages = ground.database, ground.files, ground.manifests.stages
    board = ExportBoard(ground.bus, ground.clock)
    making = ExportMaking(database, files, board, works.supervisor.run_long_task, stages, ground.home.tmp)
    await making.recover()
    stack.push_async_callback(making.close)
    return ExportService(database, files, making, board, stages, ground.settings.input_roots(), ground.home.root)


def _key(ground: Ground, field: str) -> Callable[[str], Awaitable[str]]:
    """Reads a secret by its name; what is wrong with it is said about `field`."""

    async def reveal(name: str) -> str:
        return (await ground.vault.reveal(name, field)).reveal()

    return reveal
