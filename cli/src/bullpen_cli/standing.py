"""What a run waits for while nothing of it is made, in one sentence with the way out. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from bullpen_api.v1 import queue_pb2, run_pb2

from bullpen_cli import output

# How the sentence about a place begins.
PLACE = "Waits at place"


def standing(run: run_pb2.Run, jobs: Iterable[run_pb2.Job], queue: queue_pb2.Queue) -> str:
    """Why nothing of the run is made now; empty where it is about to begin, or does not stand in the queue."""
    place = next((one for one in queue.runs if one.run == run.name), None)
    if place is None:
        return ""
    if not place.waiting_jobs:
        if run.paused:
            return f"The run is paused: `bullpen runs resume {run.name}` lets it go on."
        first = next((job.name for job in jobs if job.paused), "JOB")
        are = "is" if place.paused_jobs == 1 else "are"
        return f"{output.count(place.paused_jobs, 'job')} {are} paused: `bullpen runs resume {first}` lets it go on."
    if queue.paused:
        return "The queue is paused: nothing begins until `bullpen queue resume`."
    if queue.hindrance:
        return queue.hindrance
    begins = place.time_to_start.ToTimedelta().total_seconds() if place.HasField("time_to_start") else None
    if place.position == 1 and (not queue.running_jobs or (begins is not None and begins < 1)):
        return ""
    when = "" if begins is None else f"; begins in about {output.span(place.time_to_start)}"
    return f"{PLACE} {place.position} of {queue.waiting_jobs} in the queue{when}."
