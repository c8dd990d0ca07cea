"""The post loop: checks, measures, encodes and stores pictures away from the device thread.

Tasks run on a few threads, so a slow one does not hold up the others. There are more threads than a small machine has
cores because most of a task's time is spent waiting for the disk, and file systems write several waiting files at once.
"""

from __future__ import annotations

import os
import threading
from importlib.metadata import version
from queue import SimpleQueue

from bullpen_api.worker.v1 import link_pb2

from bullpen_worker.failures import WorkerError
from bullpen_worker.heartbeat import Progress
from bullpen_worker.machine import give_back_memory, processor_title, total_memory
from bullpen_worker.ops.book import draw_book
from bullpen_worker.ops.chain import Follow, process_picture
from bullpen_worker.ops.describe import Describing
from bullpen_worker.ops.encode import encode_picture
from bullpen_worker.ops.finish import finish_picture
from bullpen_worker.ops.import_picture import import_picture
from bullpen_worker.ops.inspect_pictures import inspect_pictures
from bullpen_worker.ops.likeness import Likeness
from bullpen_worker.ops.provider import prepare_upload, read_answer
from bullpen_worker.ops.sheet import write_sheet
from bullpen_worker.ops.texts import packed, read_texts
from bullpen_worker.ops.tools import Toolbox
from bullpen_worker.reports import Reports

THREADS = 4
# Tasks that fill much memory for a moment. What their threads freed stays with the C library unless it is asked for it.
BULKY = frozenset({"contact_sheet", "draw_book", "process_picture", "describe_picture"})


class PostLoop:
    """Runs Task frames and answers each by TaskDone or TaskFailed with its id."""

    def __init__(self, reports: Reports, progress: Progress, max_pixels: int, threads: int = 0) -> None:
        self._reports = reports
        self._progress = progress
        self._max_pixels = max_pixels
        self._toolbox = Toolbox(threads)
        # Ids of tasks to be stopped; only ever added to and looked up, which threads may do at once.
        self._canceled: set[int] = set()
        self._tasks: SimpleQueue[link_pb2.ToWorker] = SimpleQueue()
        self._likeness = Likeness()
        self._describing = Describing()

    def ready(self) -> link_pb2.Ready:
        """What this worker says of itself."""
        return link_pb2.Ready(
            pid=os.getpid(),
            engine="post",
            device_title=processor_title(),
            memory_total_bytes=total_memory(),
            versions={name: version(name) for name in ("pillow", "numpy")},
        )

    def deliver(self, message: link_pb2.ToWorker) -> None:
        """Puts a task into the line, or stops one. May be called from any thread."""
        if message.WhichOneof("body") == "cancel_task":
            self._canceled.add(message.cancel_task.id)
            return
        self._tasks.put(message)

    def run(self) -> None:
        """Runs tasks for ever. Raises OSError when the daemon no longer reads."""
        for number in range(1, THREADS):
            threading.Thread(target=self._work_quietly, name=f"post-{number}", daemon=True).start()
        self._work()

    def handle(self, message: link_pb2.ToWorker) -> None:
        """Runs one task to its end and answers it."""
        if message.WhichOneof("body") != "task":
            self._reports.log("warning", "command_not_for_post_worker", command=str(message.WhichOneof("body")))
            return
        task = message.task
        try:
            done = self._run(task)
        except Exception as error:  # noqa: BLE001 - one task's fault must not end the loop
            failure = self._reports.failure(error, "task_failed", "INTERNAL", kind=str(task.WhichOneof("body")))
            answer = link_pb2.FromWorker(task_failed=link_pb2.TaskFailed(id=task.id, failure=failure.to_link()))
        else:
            answer = link_pb2.FromWorker(task_done=done)
        self._progress.advance()
        self._reports.send(answer)
        if task.WhichOneof("body") in BULKY:
            give_back_memory()

    def _run(self, task: link_pb2.Task) -> link_pb2.TaskDone:
        limit = self._max_pixels
        match task.WhichOneof("body"):
            case "finish_picture":
                stored = finish_picture(task.finish_picture, limit, self._complain)
                return link_pb2.TaskDone(id=task.id, stored_picture=stored)
            case "import_picture":
                stored = import_picture(task.import_picture, limit, self._complain)
                return link_pb2.TaskDone(id=task.id, stored_picture=stored)
            case "inspect_pictures":
                inspected = inspect_pictures(task.inspect_pictures.paths, limit)
                return link_pb2.TaskDone(id=task.id, pictures_inspected=inspected)
            case "encode_picture":
                return link_pb2.TaskDone(id=task.id, picture_encoded=encode_picture(task.encode_picture))
            case "process_picture":
                made = process_picture(task.process_picture, limit, self._toolbox, self._follow(task.id))
                return link_pb2.TaskDone(id=task.id, picture_processed=made)
            case "measure_picture":
                measured = self._likeness.measure(task.measure_picture, limit)
                return link_pb2.TaskDone(id=task.id, picture_measured=measured)
            case "prepare_upload":
                return link_pb2.TaskDone(id=task.id, upload_prepared=prepare_upload(task.prepare_upload, limit))
            case "read_answer":
                return link_pb2.TaskDone(id=task.id, answer_read=read_answer(task.read_answer, limit))
            case "read_texts":
                told = link_pb2.TextsRead(texts=packed(read_texts(task.read_texts.path)))
                return link_pb2.TaskDone(id=task.id, texts_read=told)
            case "describe_picture":
                described = self._describing.describe(task.describe_picture, limit)
                return link_pb2.TaskDone(id=task.id, picture_described=described)
            case "contact_sheet":
                return link_pb2.TaskDone(id=task.id, sheet_written=write_sheet(task.contact_sheet, limit))
            case "draw_book":
                drawn = draw_book(task.draw_book, limit, self._follow(task.id))
                return link_pb2.TaskDone(id=task.id, book_drawn=drawn)
            case other:
                raise WorkerError("INTERNAL", f"This worker knows no task {other!r}.")

    def _follow(self, task_id: int) -> Follow:
        def follow(step: str, share: float) -> None:
            if task_id in self._canceled:
                raise WorkerError("STATE_CONFLICT", "It was stopped.", "Ask for it again.")
            self._progress.advance()
            progress = link_pb2.TaskProgress(id=task_id, step=step, share=share)
            self._reports.offer(link_pb2.FromWorker(task_progress=progress))

        return follow

    def _complain(self, error: Exception) -> None:
        self._reports.log("warning", "side_work_failed", message=str(error))

    def _work(self) -> None:
        while True:
            self.handle(self._tasks.get())

    def _work_quietly(self) -> None:
        try:
            self._work()
        except OSError:
            # The daemon is gone; the reader's thread ends the process.
            return
