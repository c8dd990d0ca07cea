"""The composition root: puts the rooms together, serves, and takes them apart in order.

lock → database (migrations) → workers → dispatcher (recovery) → services → socket → endpoint.json
signal → refuse calls → drain → workers gone → database closed → endpoint.json and lock given back
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from bullpen_api.v1 import (
    advisor_pb2_grpc,
    asset_pb2_grpc,
    audit_pb2_grpc,
    bible_pb2_grpc,
    control_pb2_grpc,
    cost_pb2_grpc,
    event_pb2_grpc,
    history_pb2_grpc,
    lab_pb2_grpc,
    log_pb2_grpc,
    model_pb2_grpc,
    postprocess_pb2_grpc,
    project_pb2_grpc,
    quality_pb2_grpc,
    queue_pb2_grpc,
    run_pb2_grpc,
    storage_pb2_grpc,
    style_pb2_grpc,
    system_pb2_grpc,
    vault_pb2_grpc,
)

from bullpend import __version__, redaction
from bullpend.advisor.gathering import Gathering
from bullpend.advisor.placing import Placing
from bullpend.advisor.service import AdvisorService
from bullpend.assets import index
from bullpend.assets.files import Files
from bullpend.assets.intake import Intake
from bullpend.assets.service import AssetService
from bullpend.assets.sidecars import Sidecars
from bullpend.audit import calls
from bullpend.audit.service import AuditService, Notes
from bullpend.bible import bootstrap
from bullpend.bible.bootstrap import Bootstrap
from bullpend.bible.service import BibleService
from bullpend.bible.shelf import Shelf
from bullpend.clock import SystemClock, new_id
from bullpend.control.service import ControlService
from bullpend.copilot.whole import Whole as Copilot
from bullpend.costs import quotes
from bullpend.costs.metering import Metering
from bullpend.costs.service import CostService
from bullpend.db import Database
from bullpend.dispatch.dispatcher import Dispatcher
from bullpend.events.bus import Bus
from bullpend.events.service import EventService
from bullpend.failpoints import arm
from bullpend.lab.whole import Lab
from bullpend.logs.kept import KeptLog
from bullpend.logs.service import LogService
from bullpend.metrics import prometheus
from bullpend.metrics.collect import MachineProbe
from bullpend.metrics.publishing import published
from bullpend.models.loading import Loading
from bullpend.models.registry import Registry
from bullpend.models.service import Devices, DeviceService, ModelService
from bullpend.models.uses import Switching
from bullpend.postprocess.redrawing import Redrawing
from bullpend.postprocess.resolving import Resolver
from bullpend.postprocess.service import PostProcessService
from bullpend.projects.service import ProjectService
from bullpend.quality.service import QualityService
from bullpend.queueing.board import Board, Terms
from bullpend.queueing.service import QueueService
from bullpend.recipes.keeping import Recipes
from bullpend.remote.whole import Remote
from bullpend.rpc.endpoint import Endpoint, HomeLock, notify_ready, remove_endpoint, socket_path, write_endpoint
from bullpend.rpc.interceptor import Guard
from bullpend.rpc.keeping import keep_reachable
from bullpend.rpc.server import Mount, Server
from bullpend.runs.history import HistoryService
from bullpend.runs.making import Making
from bullpend.runs.manifests import Manifests
from bullpend.runs.plan import DeviceFacts
from bullpend.runs.planning import Planning
from bullpend.runs.service import RunService
from bullpend.scheduling.model import Policy, Use
from bullpend.settings import Settings
from bullpend.storage.service import StorageService
from bullpend.styles.rules import FILE_NAME as STYLE_WORDS
from bullpend.styles.service import StyleService
from bullpend.styles.vision import Endpoint as Vision
from bullpend.system.diagnosis import Diagnosis
from bullpend.system.repair import Repairs
from bullpend.system.service import Identity, Metrics, SystemService
from bullpend.vault import diagnosis as vault_diagnosis
from bullpend.vault.keys import Keys
from bullpend.vault.service import VaultService
from bullpend.vault.vault import Vault
from bullpend.workers import language
from bullpend.workers.model import WorkerSettings
from bullpend.workers.probe import choose, others, probe
from bullpend.workers.supervisor import Supervisor

log = structlog.get_logger("daemon")

DRAIN_SECONDS = 10.0
GRACE_SECONDS = 1.0
# How long an orderly stop waits for answers that are paid for.
ANSWER_SECONDS = 30.0


@dataclass
class Stop:
    """Why and how the daemon is to end."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    now: bool = False

    def ask(self, now: bool) -> None:
        """Ends the daemon; a second, impatient call shortens the first."""
        self.now = self.now or now or self.asked.is_set()
        self.asked.set()


async def serve(settings: Settings, kept_log: KeptLog) -> None:
    """Serves until a signal or a Shutdown call. Raises HomeLocked, SchemaTooNew, DatabaseUnavailable, DiskFull,
    SettingInvalid or DeviceUnavailable before it serves.
    """
    arm(settings.testing.failpoint)
    home, clock, stop = settings.home, SystemClock(), Stop()
    identity = Identity(new_id(), os.getpid(), clock.now())
    async with AsyncExitStack() as stack:
        lock = HomeLock(home.run)
        lock.acquire()
        stack.callback(lock.release)
        sweep(home.tmp, *home.projects.glob("*/assets/.tmp"))
        manifests = Manifests(settings.manifest_file, home.projects)
        bus, keys = Bus(), Keys(home.vault_key, os.environ)
        database = Database.open(home.database, clock, bus.committed, calls.witness)
        stack.callback(database.close)
        bus.revision = await database.read(lambda view: view.revision())
        vault = Vault(database, keys)
        present = probe()
        devices = choose(present, settings.wanted_devices)
        kept = others(present, devices)
        talking = language.find([*devices, *kept], settings.tree.copilot.gpu_layers)
        talks = () if talking is None else (talking,)
        uses = {device.name: Use.ALL for device in devices} | {device.name: Use.BOUND for device in kept}
        remote = Remote(database, vault, settings, clock)
        registry = Registry(
            settings.model_folders(),
            roots=settings.input_roots(),
            scripted=settings.testing.scripted,
            remote=remote.catalogue,
        )
        files = Files(home.projects)

        dispatcher = Dispatcher(
            database=database,
            bus=bus,
            files=files,
            clock=clock,
            policy=Policy(
                max_attempts=settings.scheduler.max_attempts,
                keep_alive_seconds=settings.scheduler.keep_alive_seconds,
            ),
            start_policy=settings.scheduler.start_policy,
            devices=[*devices, *kept, *talks, *remote.devices],
            models=Loading(registry),
            scratch=home.tmp,
            checks=manifests.checks,
            previews=settings.previews.enabled,
            uses={device.name: Use.BOUND for device in kept},
        )
        here = (*devices, *kept, *talks)
        supervisor = await stack.enter_async_context(Supervisor(worker_settings(settings), here, dispatcher.heard))
        await remote.start(supervisor, dispatcher.heard)
        stack.push_async_callback(lambda: remote.close(0.0 if stop.now else ANSWER_SECONDS))
        recovered = await dispatcher.start(supervisor)
        terms = Terms(settings.scheduler.queue_limit, settings.scheduler.start_policy)
        board = Board(database, bus, lambda: (dispatcher.state, dispatcher.remote.state), terms, dispatcher.spawn)
        dispatcher.on_queue_changed = board.changed
        stack.callback(board.close)
        facts = [DeviceFacts(d.name, d.kind, d.title, d.reason, d.memory_total_bytes) for d in here]
        switching = Switching(database, dispatcher, uses)

        def in_use() -> list[DeviceFacts]:
            """Work that is planned while everything is switched off waits for the first device."""
            return [fact for fact in facts if switching.use(fact.name) is Use.ALL] or facts

        planning = Planning(
            database,
            manifests,
            registry,
            settings.input_roots(),
            in_use,
            lambda: [view.model for view in dispatcher.residents()],
            supervisor.run_task,
            quotes.first_of(remote.listing.quoting, quotes.scripted(settings.testing.price)),
            remote.listing.payer,
        )
        recipes = Recipes(database, files, supervisor.run_task, registry.models)
        intake = Intake(database, files, supervisor.run_task, recipes)
        await index.catch_up(database)
        sidecars = Sidecars(database, files)
        await sidecars.write_due()

        def stage_lead(project: str, stage: str) -> int:
            order = manifests.stages(project)
            return settings.scheduler.stage_lead * order.index(stage) if stage in order else 0

        placing = Placing(tuple(uses), switching.use)
        making = Making(
            database,
            planning,
            intake,
            dispatcher.submit,
            settings.scheduler.queue_limit,
            stage_lead,
            settings.spend.confirm_seconds,
            placing.asked,
            settings.scheduler.batch_limit,
        )
        shown = Devices(dispatcher, supervisor, clock)
        metrics = Metrics(MachineProbe(home.root), shown.all, dispatcher, bus, clock)

        async def metrics_text() -> str:
            return prometheus.render(await metrics.read())

        handed_out = settings.metrics
        await stack.enter_async_context(published(metrics_text, handed_out.file, handed_out.socket, handed_out.seconds))
        diagnosis = Diagnosis(
            database,
            files,
            registry,
            shown.all,
            metrics.machine,
            [lambda: vault_diagnosis.check(vault), remote.diagnose],
        )
        gathering = Gathering(
            database, planning, registry, dispatcher, shown.drawing, metrics.machine, remote.listing.payer
        )
        repairs = Repairs(database, files, intake, home.root)
        events = EventService(database, bus)
        control = ControlService(database, dispatcher, bus)
        logs = LogService(kept_log)
        resolver = Resolver(registry, (settings.folder, home.root), settings.input_roots())
        metering = Metering(database, home.projects, clock)
        stack.push_async_callback(metering.close)
        dispatcher.singles.on_made = metering.single
        dispatcher.singles.on_spent = metering.spent
        metered = metering.long_tasks(supervisor.run_long_task)
        run_long_task = Redrawing(dispatcher, registry, supervisor.run_task, metered, home.tmp).run
        paid = remote.cutouts(supervisor.run_task, run_long_task)
        lab = Lab(
            registry,
            dispatcher,
            supervisor.run_task,
            facts,
            manifests.base.candidate_cap,
            home.tmp,
            resolver=resolver,
            run_long_task=run_long_task,
            roots=settings.input_roots(),
            paid=paid,
        )
        shelf = Shelf(
            database,
            settings.style_roots(manifests.base.style_roots),
            registry.get,
            manifests.variables,
        )
        mounts: list[Mount] = [
            (
                project_pb2_grpc.add_ProjectServiceServicer_to_server,
                ProjectService(database, home.projects, manifests.stages),
                "bullpen.v1.ProjectService",
            ),
            (
                bible_pb2_grpc.add_BibleServiceServicer_to_server,
                BibleService(shelf, Bootstrap(shelf, settings.folder / bootstrap.FILE_NAME)),
                "bullpen.v1.BibleService",
            ),
            (
                run_pb2_grpc.add_RunServiceServicer_to_server,
                RunService(database, planning, making, dispatcher, manifests),
                "bullpen.v1.RunService",
            ),
            (
                control_pb2_grpc.add_ControlServiceServicer_to_server,
                control,
                "bullpen.v1.ControlService",
            ),
            (
                queue_pb2_grpc.add_QueueServiceServicer_to_server,
                QueueService(database, dispatcher, board),
                "bullpen.v1.QueueService",
            ),
            (
                quality_pb2_grpc.add_QualityServiceServicer_to_server,
                QualityService(database),
                "bullpen.v1.QualityService",
            ),
            (
                history_pb2_grpc.add_HistoryServiceServicer_to_server,
                HistoryService(database, dispatcher, recipes),
                "bullpen.v1.HistoryService",
            ),
            (
                asset_pb2_grpc.add_AssetServiceServicer_to_server,
                AssetService(database, files, intake, sidecars, settings.input_roots(), home.tmp),
                "bullpen.v1.AssetService",
            ),
            (event_pb2_grpc.add_EventServiceServicer_to_server, events, "bullpen.v1.EventService"),
            (log_pb2_grpc.add_LogServiceServicer_to_server, logs, "bullpen.v1.LogService"),
            (
                model_pb2_grpc.add_ModelServiceServicer_to_server,
                ModelService(registry, dispatcher, bus, remote.listing.complete),
                "bullpen.v1.ModelService",
            ),
            (
                model_pb2_grpc.add_DeviceServiceServicer_to_server,
                DeviceService(shown, bus, switching),
                "bullpen.v1.DeviceService",
            ),
            (
                advisor_pb2_grpc.add_AdvisorServiceServicer_to_server,
                AdvisorService(database, gathering, placing, dispatcher),
                "bullpen.v1.AdvisorService",
            ),
            (lab_pb2_grpc.add_LabServiceServicer_to_server, lab, "bullpen.v1.LabService"),
            (
                postprocess_pb2_grpc.add_PostProcessServiceServicer_to_server,
                PostProcessService(database, files, intake, resolver, run_long_task, home.tmp, paid),
                "bullpen.v1.PostProcessService",
            ),
            (
                cost_pb2_grpc.add_CostServiceServicer_to_server,
                CostService(database),
                "bullpen.v1.CostService",
            ),
            (
                audit_pb2_grpc.add_AuditServiceServicer_to_server,
                AuditService(database),
                "bullpen.v1.AuditService",
            ),
            (
                vault_pb2_grpc.add_VaultServiceServicer_to_server,
                VaultService(database, vault),
                "bullpen.v1.VaultService",
            ),
            (
                system_pb2_grpc.add_SystemServiceServicer_to_server,
                SystemService(settings, identity, metrics, diagnosis, repairs, shown.all, bus, clock, stop.ask),
                "bullpen.v1.SystemService",
            ),
        ]
        texts = (lambda: dispatcher.texts) if talks else None
        asked = settings.tree.copilot

        async def endpoint_key(name: str) -> str:
            return (await vault.reveal(name, "copilot.secret")).reveal()

        mounts.append(
            (
                style_pb2_grpc.add_StyleServiceServicer_to_server,
                StyleService(
                    database,
                    files,
                    shelf,
                    Loading(registry),
                    supervisor.run_task,
                    lambda project: manifests.checks(project, next(iter(manifests.stages(project)), "")),
                    settings.folder / STYLE_WORDS,
                    home.tmp,
                    Vision(asked.url, asked.model, asked.secret),
                    endpoint_key,
                ),
                "bullpen.v1.StyleService",
            )
        )

        async def bucket_key(name: str) -> str:
            return (await vault.reveal(name, "bucket")).reveal()

        mounts.append(
            (
                storage_pb2_grpc.add_StorageServiceServicer_to_server,
                StorageService(
                    database,
                    files,
                    home.root,
                    settings.input_roots(),
                    bucket_key,
                    allow_private=settings.remote.allow_private_addresses,
                ),
                "bullpen.v1.StorageService",
            )
        )
        copilot = Copilot(database, bus, settings, registry, vault, texts)
        mounts += [*remote.mounts, *copilot.mounts]
        token = secrets.token_urlsafe(32)
        redaction.remember(token, "token of this daemon")
        server = Server(Guard(token, Notes(database)), mounts)
        path = socket_path(home.root)
        await copilot.start(mounts)
        stack.push_async_callback(copilot.close)
        address = await server.start(path)
        endpoint = Endpoint(address, token, identity.pid, __version__, identity.instance)
        write_endpoint(home.run, endpoint)
        stack.callback(remove_endpoint, home.run, identity.instance)
        keeping = asyncio.create_task(keep_reachable(server, path, home.run, endpoint, lock))
        stack.callback(keeping.cancel)
        listen(stop)
        notify_ready()
        log.info("daemon.serving", address=address, recovered=recovered, devices=[d.name for d in devices])
        await stop.asked.wait()
        log.info("daemon.stopping", now=stop.now)
        events.close()
        control.close()
        logs.close()
        lab.close()
        await copilot.close()
        keeping.cancel()
        await server.stop(GRACE_SECONDS)
        path.unlink(missing_ok=True)
        await dispatcher.drain(0.0 if stop.now else DRAIN_SECONDS)
    log.info("daemon.stopped")


def worker_settings(settings: Settings) -> WorkerSettings:
    """What the workers room takes of the settings."""
    return WorkerSettings(
        heartbeat_seconds=settings.worker.heartbeat_seconds,
        hung_seconds=settings.worker.hang_seconds,
        post_workers=settings.post.workers,
        threads=settings.worker_threads,
        max_pixels=settings.max_pixels,
        memory_limit_bytes=settings.devices.memory_limit_mb * 1024 * 1024,
        gpu_layers=settings.tree.copilot.gpu_layers,
        context_tokens=settings.tree.copilot.context_tokens,
    )


def sweep(*folders: Path) -> None:
    """Removes what an earlier daemon left unfinished."""
    for folder in folders:
        for path in folder.iterdir():
            with suppress(OSError):
                path.unlink()


def listen(stop: Stop) -> None:
    """SIGTERM and SIGINT end the daemon; a second one ends it at once."""
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":  # not run in the tests of this project
        signal.signal(signal.SIGINT, lambda *_: loop.call_soon_threadsafe(stop.ask, False))
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.ask, False)
