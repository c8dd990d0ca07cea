"""A real daemon on a home of its own, with a project whose scenes are tiny pictures, and a session to it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from bullpen_api.v1 import asset_pb2, bible_pb2, event_pb2, project_pb2, run_pb2
from bullpen_client import Session
from bullpen_client.health import is_serving
from bullpen_client.home import read_endpoint
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "projects/bench"
BATCH_LIMIT = 5000
START_SECONDS = 120.0
SCRIPTED = ("testing.scripted=true", "devices.use=scripted", "log.level=warning")
SCRIPTED_MODEL = "models/scripted"
TRIVIAL = "scripted: steps=1 size=8x8"


class Studio:
    """Starts a daemon, and takes everything away at the end. Use it as `async with`."""

    def __init__(self, flags: Sequence[str] = SCRIPTED) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="bullpen-bench-"))
        self.home = self.folder / "home"
        self.session = Session(self.home)
        self._flags = flags
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        self._write_settings()
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        if kind is None:
            shutil.rmtree(self.folder)
        else:
            sys.stderr.write(f"The home of the failed measurement is kept: {self.home}\n")

    # ---- life -------------------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The daemon's process."""
        assert self._process is not None
        return self._process.pid

    async def start(self, patience: float = START_SECONDS) -> float:
        """Starts the daemon; returns the seconds from the start of the process to health SERVING."""
        seconds = await self.launch(patience)
        self.session = Session(self.home)
        await self.session.__aenter__()
        return seconds

    async def launch(self, patience: float = START_SECONDS) -> float:
        """Starts the daemon without a session; returns the seconds until its health is SERVING."""
        command = [sys.executable, "-m", "bullpend", "--home", str(self.home)]
        for flag in self._flags:
            command += ["--set", flag]
        self.home.mkdir(exist_ok=True)
        began = time.perf_counter()
        with (self.folder / "stderr").open("ab") as said:
            self._process = subprocess.Popen(  # noqa: ASYNC220 -- its start is what is measured
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, env=self._environment()
            )
        while time.perf_counter() - began < patience:
            endpoint = read_endpoint(self.home)
            if endpoint is not None and endpoint.pid == self.pid and await is_serving(endpoint, timeout=5.0):
                return time.perf_counter() - began
            if self._process.poll() is not None:
                break
            await asyncio.sleep(0.002)
        raise RuntimeError(f"The daemon does not serve: {(self.folder / 'stderr').read_text()[-2000:]}")

    async def stop(self) -> None:
        """Ends the daemon in good order."""
        await self.session.close()
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(self._wait)

    async def kill(self) -> None:
        """Ends it at once, as a crash does."""
        await self.session.close()
        assert self._process is not None
        self._process.kill()
        await asyncio.to_thread(self._wait)

    def _wait(self) -> None:
        assert self._process is not None
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BULLPEN_")}
        return {**kept, "BULLPEN_SETTINGS": str(self.folder / "settings"), "OMP_WAIT_POLICY": "passive"}

    def _write_settings(self) -> None:
        """The project's settings, with a batch limit that lets one run hold many jobs."""
        shutil.copytree(ROOT / "settings", self.folder / "settings")
        path = self.folder / "settings" / "manifest.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        manifest["safe_batch_limit"] = BATCH_LIMIT
        path.write_text(json.dumps(manifest), encoding="utf-8")

    async def quiet(self) -> None:
        """Waits until the daemon has nothing to do: a tenth of a second almost without processor time."""
        process = psutil.Process(self.pid)
        while True:
            before = sum(process.cpu_times()[:2])
            await asyncio.sleep(0.1)
            if sum(process.cpu_times()[:2]) - before < 0.02:
                return

    def processor_seconds(self) -> dict[str, float]:
        """Processor time so far of the daemon, of its workers, and of this process, the client."""
        daemon = psutil.Process(self.pid)
        workers = sum(sum(child.cpu_times()[:2]) for child in daemon.children(recursive=True))
        return {
            "daemon": sum(daemon.cpu_times()[:2]),
            "workers": workers,
            "client": sum(psutil.Process().cpu_times()[:2]),
        }

    # ---- what is measured on ----------------------------------------------------------------------------------------

    async def project(self, scenes: int, side: int = 8) -> list[str]:
        """A project with that many scenes, all with the same square source picture; returns the scenes' names."""
        created = project_pb2.CreateProjectRequest(project_id="bench", project=project_pb2.Project(title="Bench"))
        await self.session.projects.CreateProject(created)
        path = self.home / "tmp" / "source.png"
        noise = Image.effect_noise((side, side), 80.0)
        Image.merge("RGB", (noise, noise.rotate(90), noise.rotate(180))).save(path)
        asset = await self.session.assets.ImportAsset(
            asset_pb2.ImportAssetRequest(parent=PROJECT, path=str(path), kind=asset_pb2.Asset.KIND_SOURCE)
        )
        names = []
        for number in range(1, scenes + 1):
            scene = bible_pb2.Scene(title=f"Scene {number}", source_asset=asset.name, ordinal=number)
            request = bible_pb2.CreateSceneRequest(parent=PROJECT, scene_id=f"s{number:04d}", scene=scene)
            names.append((await self.session.bible.CreateScene(request)).name)
        return names

    @staticmethod
    def sampling(steps: int, guidance: float, image_guidance: float, side: int) -> run_pb2.SamplingParameters:
        """Sampling parameters of a square picture."""
        return run_pb2.SamplingParameters(
            steps=steps, guidance_scale=guidance, image_guidance_scale=image_guidance, width=side, height=side
        )

    def ends(self) -> Ends:
        """A watch that says when runs and jobs ended."""
        return Ends(self)

    async def create_run(self, scenes: Sequence[str], instruction: str = TRIVIAL, **spec: object) -> run_pb2.Run:
        """Starts a run over scenes; one candidate a scene unless told otherwise."""
        return await self.session.runs.CreateRun(run_request(scenes, instruction, **spec))


def run_request(scenes: Sequence[str], instruction: str = TRIVIAL, **spec: object) -> run_pb2.CreateRunRequest:
    """The request of a run over scenes."""
    fields: dict[str, object] = {"model": SCRIPTED_MODEL, "candidates": 1, **spec}
    wanted = run_pb2.RunSpec(
        stage="style",
        scenes=run_pb2.SceneSelection(scenes=scenes),
        instruction=instruction,
        **fields,  # type: ignore[arg-type]  # fields of the message, by name
    )
    return run_pb2.CreateRunRequest(parent=PROJECT, spec=wanted)


async def until(fact: Callable[[], bool]) -> None:
    """Waits for something that can only be looked at."""
    while not fact():  # noqa: ASYNC110 -- a process or a list tells nobody when it changes
        await asyncio.sleep(0.001)


class Ends:
    """Watches the journal and says when runs and jobs ended, by this process's clock. Use it as `async with`."""

    KINDS = ("succeeded", "failed", "canceled", "held", "partial")

    def __init__(self, studio: Studio) -> None:
        self._request = event_pb2.WatchRequest(parent=PROJECT, batch=True)
        self._studio = studio
        self._seen: dict[str, tuple[float, str]] = {}
        self._logged: set[str] = set()
        self._waiting: dict[str, asyncio.Future[tuple[float, str]]] = {}
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self.events: list[tuple[float, str, str]] = []

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._follow())
        await self._ready.wait()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def ended(self, name: str, seconds: float = 120.0) -> float:
        """When the run or job of this name ended (`time.perf_counter`). Raises RuntimeError where it failed."""
        if name not in self._seen:
            future = self._waiting.setdefault(name, asyncio.get_running_loop().create_future())
            async with asyncio.timeout(seconds):
                await future
        at, kind = self._seen[name]
        if not kind.endswith((".succeeded", ".canceled")):
            raise RuntimeError(f"{name}: {kind}")
        return at

    async def logged(self, run: str, seconds: float = 60.0) -> None:
        """Waits until the log and the contact sheet of an ended run are written."""
        if run not in self._logged:
            future = self._waiting.setdefault(f"log of {run}", asyncio.get_running_loop().create_future())
            async with asyncio.timeout(seconds):
                await future

    async def first(self, subject: str, kind: str, seconds: float = 60.0) -> float:
        """When an event of this kind about this subject, or something below it, was first seen."""
        found: list[float] = []

        def look() -> bool:
            found.extend(at for at, seen, what in self.events if what == kind and seen.startswith(subject))
            return bool(found)

        async with asyncio.timeout(seconds):
            await until(look)
        return found[0]

    async def _follow(self) -> None:
        async for message in self._studio.session.events.Watch(self._request):
            self._ready.set()
            now = time.perf_counter()
            for event in [message.event] if message.HasField("event") else message.events.events:
                self._see(event, now)

    def _see(self, event: event_pb2.Event, now: float) -> None:
        self.events.append((now, event.subject, event.kind))
        if event.kind == "run.logged":
            self._logged.add(event.subject)
            self._tell(f"log of {event.subject}", (now, event.kind))
        if event.kind.rsplit(".", 1)[-1] not in self.KINDS or "/candidates/" in event.subject:
            return
        self._seen[event.subject] = now, event.kind
        self._tell(event.subject, (now, event.kind))

    def _tell(self, what: str, fact: tuple[float, str]) -> None:
        waiting = self._waiting.pop(what, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(fact)
