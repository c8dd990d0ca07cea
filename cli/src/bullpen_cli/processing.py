"""Sends pictures through the daemon's post-process and writes what comes back: whole files, never over others.

A picture that cannot be read or is too large does not keep the others from being done.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import stat
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
import grpc
from bullpen_api.v1 import postprocess_pb2
from bullpen_client import errors

from bullpen_cli import failure, output
from bullpen_cli.command import State
from bullpen_cli.failure import FAILED, INTERRUPTED, OK
from bullpen_cli.follow import bar
from bullpen_cli.transfer import CHUNK, pictures, writing

if TYPE_CHECKING:
    from bullpen_client import Session

SUFFIX = ".png"
# What is the matter with one picture, and not with the others.
_OF_ONE = frozenset({"PICTURE_UNREADABLE", "PICTURE_TOO_LARGE", "PATH_NOT_FOUND"})


@dataclass(frozen=True, slots=True)
class Errand:
    """A picture, and where its result goes."""

    source: Path
    target: Path


def errands(files: Sequence[str], out: str, *, force: bool) -> list[Errand]:
    """Pairs each picture with its target: the PNG that `out` names for one picture, else a file of its name in `out`.

    Raises a usage error for targets that clash or exist, and PathNotFound for a picture that does not.
    """
    for text in files:
        if not Path(text).exists():
            raise _missing(text)
    sources, place = pictures(tuple(files)), Path(out).expanduser()
    as_folder = place.is_dir() or out.endswith("/")
    as_file = place.suffix.lower() == SUFFIX and not as_folder
    if as_file and len(sources) > 1:
        raise click.UsageError(f"{len(sources)} pictures do not fit into the one file {out}; name a folder with -o.")
    if not as_file and place.suffix and not as_folder:
        raise click.UsageError(f"-o takes a file that ends in {SUFFIX}, or a folder, not '{out}'.")
    folder = place.parent if as_file else place
    if as_file and not folder.is_dir():
        raise click.UsageError(f"there is no folder {folder}.")
    if folder.exists() and not folder.is_dir():
        raise click.UsageError(f"{folder} is a file, not a folder.")
    made = [Errand(source, place if as_file else folder / f"{source.stem}{SUFFIX}") for source in sources]
    seen: dict[Path, Path] = {}
    for errand in made:
        if errand.target in seen:
            raise click.UsageError(f"{seen[errand.target]} and {errand.source} would both become {errand.target}.")
        seen[errand.target] = errand.source
        if errand.target.exists() and not force:
            raise click.UsageError(f"{errand.target} exists; --force writes over it.")
    return made


def run(state: State, jobs: list[Errand], wish: postprocess_pb2.PostProcess, *, confirm_spend: bool = False) -> int:
    """Does all errands, one after the other, and says of each that failed why; 1 where one did.

    What is not the matter of one picture, such as a missing model, ends it; those that are done stay. `confirm_spend`
    agrees to what a provider charges for each.
    """

    async def body(session: Session) -> int:
        failed = 0
        for number, errand in enumerate(jobs, 1):
            began = time.monotonic()
            place = f"{number} of {len(jobs)}  " if len(jobs) > 1 else ""
            try:
                with status(state.json, f"{place}{errand.source.name}") as show:
                    done = await process(session, errand, wish, show, confirm_spend=confirm_spend)
            except errors.BullpenError as error:
                error.metadata["source"] = str(errand.source)
                # What a provider answered is no fault of the picture, and the next answer would cost money too.
                own = error.reason in _OF_ONE and error.metadata.get("step", "reading") == "reading"
                if not own or len(jobs) == 1:
                    raise
                failure.typed(error, as_json=state.json)
                failed += 1
            else:
                _tell(state, errand, done, time.monotonic() - began)
        if failed and not state.json:
            output.note(f"{failed} of {output.count(len(jobs), 'picture')} failed; the others are done.")
        return FAILED if failed else OK

    try:
        return state.with_session(body)
    except KeyboardInterrupt:
        output.note("")
        output.note("Stopped; pictures that were finished are kept.", style="yellow")
        return INTERRUPTED


@dataclass(slots=True)
class Outcome:
    """What was done to a picture."""

    chosen: postprocess_pb2.PostProcess
    picture: postprocess_pb2.ProcessedPicture
    # Estimate in US dollars; 0 where all was done on the daemon's machine.
    cost: float = 0.0
    # The same for a fallback that was announced.
    fallback_cost: float = 0.0


async def process(
    session: Session,
    errand: Errand,
    wish: postprocess_pb2.PostProcess,
    show: Callable[[str], None],
    *,
    confirm_spend: bool = False,
) -> Outcome:
    """One picture there and back. `show` gets the latest in words.

    The target's place is taken before anything is sent, so that nothing is paid for and lost. Raises the daemon's
    errors, ContentLost where the answer was damaged on its way, and those of `writing`.
    """
    outcome = Outcome(postprocess_pb2.PostProcess(), postprocess_pb2.ProcessedPicture())
    partial = errand.target.with_name(f".{errand.target.name}.part")
    found = hashlib.sha256()
    try:
        source = errand.source.open("rb")
        found_there = os.fstat(source.fileno())
    except OSError as error:
        raise _missing(str(errand.source), error.strerror or "") from error
    if stat.S_ISREG(found_there.st_mode) and not found_there.st_size:
        source.close()
        raise errors.make(
            "PICTURE_UNREADABLE",
            f"{errand.source.name} is empty.",
            code=grpc.StatusCode.INVALID_ARGUMENT,
            metadata={"remedy": "Give a sound PNG, JPEG or WebP picture."},
        )
    target: IO[bytes] | None = None
    received = False
    try:
        with writing(errand.target):
            errand.target.parent.mkdir(parents=True, exist_ok=True)
            target = partial.open("wb")
        async for message in session.lab.ProcessPicture(_parts(errand, wish, source, confirm_spend)):
            match message.WhichOneof("body"):
                case "started":
                    outcome.chosen, outcome.cost = message.started.post_process, message.started.estimated_cost_usd
                    outcome.fallback_cost = message.started.fallback_cost_usd
                case "progress":
                    show(_words(message.progress))
                case "picture":
                    outcome.picture = message.picture
                    if message.picture.fallback_reason:
                        outcome.cost = outcome.fallback_cost
                    received = True
                case "chunk":
                    with writing(errand.target):
                        target.write(message.chunk)
                    found.update(message.chunk)
        if not received or found.hexdigest() != outcome.picture.sha256:
            raise errors.ContentLost("The picture was damaged on its way.", remedy="Ask for it again.")
        with writing(errand.target):
            target.close()
            partial.replace(errand.target)
    finally:
        source.close()
        with contextlib.suppress(OSError):
            if target is not None:
                target.close()
            partial.unlink(missing_ok=True)
    return outcome


async def _parts(
    errand: Errand, wish: postprocess_pb2.PostProcess, source: IO[bytes], confirm_spend: bool
) -> AsyncIterator[postprocess_pb2.ProcessPictureRequest]:
    head = postprocess_pb2.ProcessPictureHead(
        post_process=wish, display_name=errand.source.name, confirm_spend=confirm_spend
    )
    yield postprocess_pb2.ProcessPictureRequest(head=head)
    while chunk := await asyncio.to_thread(source.read, CHUNK):
        yield postprocess_pb2.ProcessPictureRequest(chunk=chunk)


def _words(progress: postprocess_pb2.ProcessPictureProgress) -> str:
    if progress.step in ("upscale", "color"):
        return f"{progress.step} {bar(round(progress.share * 100), 100)} {progress.share:.0%}"
    return progress.step


def _tell(state: State, errand: Errand, done: Outcome, seconds: float) -> None:
    picture = done.picture
    if state.json:
        output.emit(
            {
                "source": str(errand.source),
                "file": str(errand.target),
                "width": picture.width,
                "height": picture.height,
                "has_alpha": picture.has_alpha,
                "size_bytes": picture.size_bytes,
                "sha256": picture.sha256,
                "post_process": _chosen(done.chosen),
                "seconds": round(seconds, 3),
                "step_seconds": dict(picture.seconds),
                "measures": dict(picture.measures),
                "findings": [output.as_dict(found) for found in picture.findings],
                **({"estimated_cost_usd": done.cost} if done.cost else {}),
                **({"fallback_reason": picture.fallback_reason} if picture.fallback_reason else {}),
            }
        )
        return
    alpha = ", transparent" if picture.has_alpha else ""
    cost = f", about {done.cost:.2f} USD" if done.cost else ""
    output.say(f"{errand.target}  {picture.width}×{picture.height}{alpha}, {output.span(seconds)}{cost}")
    if (count := int(picture.measures.get("pictures_in_file", 1))) > 1:
        output.say(f"⚑ {errand.source.name} holds {count} pictures; the first was taken.", style="yellow", wrap=2)
    if picture.fallback_reason:
        by = done.chosen.cutout.fallback
        output.say(f"⚑ cut out by {by}, because this machine failed: {picture.fallback_reason}", style="yellow", wrap=2)
    for found in picture.findings:
        output.say(f"⚑ {found.message}", style="yellow", wrap=2)


def _chosen(chosen: postprocess_pb2.PostProcess) -> dict[str, Any]:
    """The steps that were done with their choices; those that were not are left out."""
    return {field.name: output.as_dict(step) for field, step in chosen.ListFields()}


def _missing(text: str, why: str = "") -> errors.BullpenError:
    return errors.make(
        "PATH_NOT_FOUND",
        f"{text} cannot be read: {why}." if why else f"There is no file {text}.",
        code=grpc.StatusCode.NOT_FOUND,
        metadata={"path": text, "remedy": "Check the spelling."},
    )


@contextlib.contextmanager
def status(quiet: bool, title: str) -> Iterator[Callable[[str], None]]:
    """A line on stderr that says what happens now, where there is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    with output.console(stderr=True).status(title) as line:
        yield lambda words: line.update(f"{title}  {words}")
