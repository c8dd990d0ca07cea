"""The worker process as a whole: dies with its daemon, reads Configure, becomes a device worker or a post worker."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from bullpen_api.worker.v1 import link_pb2

from bullpen_worker.engines.base import Engine
from bullpen_worker.failures import WorkerError
from bullpen_worker.heartbeat import Heartbeat, Progress
from bullpen_worker.inbox import Inbox
from bullpen_worker.link import FrameError, FrameReader, FrameWriter, start_reader
from bullpen_worker.loop import DeviceLoop
from bullpen_worker.machine import process_memory
from bullpen_worker.model_spec import model_spec
from bullpen_worker.read_ahead import ReadAhead
from bullpen_worker.reports import Reports
from bullpen_worker.residency import Residency

_PR_SET_PDEATHSIG = 1
_DEFAULT_MAX_PIXELS = 64_000_000

EXIT_QUIT = 0
EXIT_BROKEN_LINK = 1
EXIT_ENGINE_UNAVAILABLE = 3


def run(incoming: int, outgoing: int) -> NoReturn:
    """Runs the worker on the two descriptors of its link; never returns."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    reader = FrameReader(os.fdopen(incoming, "rb"))
    writer = FrameWriter(outgoing)
    try:
        first = reader.read()
        if first is None:
            os._exit(EXIT_QUIT)
        if first.WhichOneof("body") != "configure":
            raise FrameError("the first frame is not Configure")
        _serve(first.configure, reader, writer)
    except FrameError as error:
        _say(f"broken link: {error}")
    except OSError as error:
        _say(f"the daemon is gone: {error}")
    os._exit(EXIT_BROKEN_LINK)


def _serve(configure: link_pb2.Configure, reader: FrameReader, writer: FrameWriter) -> None:
    if configure.max_pixels <= 0:
        configure.max_pixels = _DEFAULT_MAX_PIXELS
    match configure.role:
        case link_pb2.Configure.ROLE_DEVICE:
            _serve_device(configure, reader, writer)
        case link_pb2.Configure.ROLE_POST:
            _serve_post(configure, reader, writer)
        case other:
            raise FrameError(f"Configure names no role: {other}")


def _serve_device(configure: link_pb2.Configure, reader: FrameReader, writer: FrameWriter) -> None:
    reports, progress, inbox = Reports(writer), Progress(), Inbox()
    # The end of the link must be seen while libraries are imported, too.
    beats: list[Heartbeat] = []
    ahead = ReadAhead()
    start_reader(reader, lambda message: _deliver(message, inbox.deliver, beats, ahead), _ended)
    try:
        engine = _engine(configure)
        info = engine.info()
    except Exception as error:  # noqa: BLE001 - whatever hinders the engine is said once, in words, and ends the process
        reports.failure(error, "engine_unavailable", engine=configure.engine, device=configure.device)
        os._exit(EXIT_ENGINE_UNAVAILABLE)
    residency = Residency(engine, configure.memory_limit_bytes)
    heartbeat = Heartbeat(
        writer, progress, configure.heartbeat_seconds, engine.memory_used, lambda: residency.total_bytes
    )
    beats.append(heartbeat)
    reports.send(
        link_pb2.FromWorker(
            ready=link_pb2.Ready(
                pid=os.getpid(),
                engine=info.name,
                device_title=info.device_title,
                memory_total_bytes=info.memory_total_bytes,
                versions=info.versions,
            )
        )
    )
    heartbeat.start()
    DeviceLoop(engine, residency, inbox, reports, progress, configure.max_pixels).run()


def _serve_post(configure: link_pb2.Configure, reader: FrameReader, writer: FrameWriter) -> None:
    from bullpen_worker.post import PostLoop

    reports, progress = Reports(writer), Progress()
    heartbeat = Heartbeat(writer, progress, configure.heartbeat_seconds, process_memory, lambda: 0)
    loop = PostLoop(reports, progress, configure.max_pixels, configure.threads)
    reports.send(link_pb2.FromWorker(ready=loop.ready()))
    heartbeat.start()
    start_reader(reader, lambda message: _deliver(message, loop.deliver, [heartbeat]), _ended)
    loop.run()


def _engine(configure: link_pb2.Configure) -> Engine:
    if configure.engine == "scripted":
        from bullpen_worker.engines.scripted.engine import ScriptedEngine

        return ScriptedEngine(configure.memory_limit_bytes)
    if configure.engine == "torch":
        from bullpen_worker.engines.torch.environment import prepare_environment

        prepare_environment(configure.threads)
        try:
            from bullpen_worker.engines.torch.engine import TorchEngine
        except ModuleNotFoundError as error:
            message = f"The torch engine is not installed here: {error}."
            raise WorkerError("DEVICE_UNAVAILABLE", message, "Install it: pip install 'bullpen[starter]'.") from error
        return TorchEngine(configure.device, configure.threads)
    if configure.engine == "llama":
        try:
            from bullpen_worker.engines.llama.engine import LlamaEngine
        except ModuleNotFoundError as error:
            message = f"llama.cpp is not installed here: {error}."
            raise WorkerError("DEVICE_UNAVAILABLE", message, "Install it: pip install 'bullpen[llama]'.") from error
        return LlamaEngine(configure.device, configure.threads, configure.gpu_layers, configure.context_tokens)
    raise ValueError(f"no engine is named {configure.engine!r}; known are torch, llama and scripted")


def _deliver(
    message: link_pb2.ToWorker,
    deliver: Callable[[link_pb2.ToWorker], None],
    beats: list[Heartbeat],
    ahead: ReadAhead | None = None,
) -> None:
    """Answers at once what must not wait for the work under way; passes on the rest. Runs on the reader's thread."""
    match message.WhichOneof("body"):
        case "quit":
            os._exit(EXIT_QUIT)
        case "ping":
            for heartbeat in beats:
                heartbeat.beat()
        case "read_ahead" if ahead is not None:
            ahead.ask(model_spec(message.read_ahead.model))
        case _:
            deliver(message)


def _ended(error: FrameError | None) -> None:
    """The daemon is gone or speaks garbage: nothing that this process does can reach anybody any more."""
    if error is None:
        os._exit(EXIT_QUIT)
    _say(f"broken link: {error}")
    os._exit(EXIT_BROKEN_LINK)


def _die_with_parent() -> None:
    """Asks Linux to kill this process when its parent dies; elsewhere the end of the link has to do.

    The signal follows the parent's *thread*: a daemon starts its workers from a thread that lives as long as itself.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(EXIT_QUIT)


def _say(words: str) -> None:
    sys.stderr.write(f"bullpen_worker: {words}\n")
    sys.stderr.flush()
