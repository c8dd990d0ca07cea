"""`bullpen generate`: a picture from a text, in one command, without a project."""

from __future__ import annotations

import hashlib
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from bullpen_api.v1 import lab_pb2, prompt_pb2, run_pb2
from bullpen_client.errors import ContentLost, ModelUnsupported

from bullpen_cli import output
from bullpen_cli.command import Command, State, Whole, pass_state
from bullpen_cli.failure import INTERRUPTED, OK
from bullpen_cli.follow import bar
from bullpen_cli.recipes import made_again, take_over
from bullpen_cli.run import lora_uses, model_name
from bullpen_cli.spans import SPAN
from bullpen_cli.transfer import probe, writing

if TYPE_CHECKING:
    from bullpen_client import Session

_SEEDS = 2**32
_SIZE = re.compile(r"(\d{1,5})(?:[x×](\d{1,5}))?")
_SUFFIX = ".png"


def size_of(text: str | None) -> tuple[int, int] | None:
    """`640x480`, or `512` for a square. Raises a usage error."""
    if text is None:
        return None
    found = _SIZE.fullmatch(text)
    if found is None:
        raise click.UsageError(f"--size takes WIDTHxHEIGHT or one side, not '{text}'.")
    return int(found[1]), int(found[2] or found[1])


def targets(out: Path, count: int, force: bool) -> list[Path]:
    """The files to be written: the one that was named, or several numbered beside it. Raises a usage error."""
    if out.suffix.lower() != _SUFFIX:
        raise click.UsageError(f"-o takes a file that ends in {_SUFFIX}, not '{out}'.")
    if not out.parent.is_dir():
        raise click.UsageError(f"there is no folder {out.parent}.")
    files = [out] if count == 1 else [out.with_stem(f"{out.stem}-{number}") for number in range(1, count + 1)]
    taken = next((file for file in files if file.exists()), None)
    if taken is not None and not force:
        raise click.UsageError(f"{taken} exists; --force writes over it.")
    return files


def request_of(prompt: str, options: dict[str, Any]) -> lab_pb2.GenerateRequest:
    """What the options ask for. Without --seed a new one is drawn, so that the same line twice gives new pictures."""
    size = size_of(options["size"])
    sampling = run_pb2.SamplingParameters(steps=options["steps"], guidance_scale=options["guidance"])
    if size is not None:
        sampling.width, sampling.height = size
    return lab_pb2.GenerateRequest(
        prompt=prompt,
        negative_prompt=options["negative"],
        model=model_name(options["model"]),
        sampling=sampling,
        seed=secrets.randbelow(_SEEDS) if options["seed"] is None else options["seed"],
        count=options["count"],
        loras=lora_uses(options["loras"]),
        confirm_spend=options["confirm_spend"],
        keep_alive=options["keep_alive"],
    )


class Incoming:
    """The picture that is being received: written beside its place, and put there when it is whole."""

    def __init__(self, file: Path, head: lab_pb2.GeneratedPicture) -> None:
        self.file = file
        self.head = head
        self._partial = file.with_name(f".{file.name}.part")
        self._hash = hashlib.sha256()
        self._left = head.size_bytes
        with writing(file):
            self._partial.write_bytes(b"")

    def take(self, chunk: bytes) -> bool:
        """Adds a part; True when that was the last. Raises ContentLost where the whole is not what was announced."""
        with writing(self.file), self._partial.open("ab") as target:
            target.write(chunk)
        self._hash.update(chunk)
        self._left -= len(chunk)
        if self._left > 0:
            return False
        if self._left < 0 or self._hash.hexdigest() != self.head.sha256:
            self.drop()
            raise ContentLost("The picture was damaged on its way.", remedy="Ask for it again with the same seed.")
        with writing(self.file):
            self._partial.replace(self.file)
        return True

    def drop(self) -> None:
        """Leaves nothing half written."""
        self._partial.unlink(missing_ok=True)


async def receive(
    session: Session, request: lab_pb2.GenerateRequest, files: list[Path], show: Callable[[str], None]
) -> tuple[lab_pb2.GenerateStarted, list[tuple[Path, lab_pb2.GeneratedPicture]]]:
    """Writes the pictures as they come; gives what was begun and what was made. `show` gets the latest in words."""
    started, made = lab_pb2.GenerateStarted(), []
    incoming: Incoming | None = None
    try:
        async for message in session.lab.Generate(request):
            match message.WhichOneof("body"):
                case "started":
                    started = message.started
                    show(f"waits at place {started.position}" if started.position else f"{started.model} begins")
                case "progress":
                    show(_words(message.progress, len(files)))
                case "picture":
                    incoming = Incoming(files[message.picture.picture - 1], message.picture)
                case "chunk" if incoming is not None and incoming.take(message.chunk):
                    made.append((incoming.file, incoming.head))
                    incoming = None
    finally:
        if incoming is not None:
            incoming.drop()
    return started, made


def _words(progress: lab_pb2.GenerateProgress, count: int) -> str:
    which = f"picture {progress.picture} of {count}  " if count > 1 else ""
    if progress.phase != "denoising":
        return f"{which}{progress.phase}"
    left = f"  {output.span(progress.time_left)} left" if progress.HasField("time_left") else ""
    return f"{which}{bar(progress.step, progress.steps)} {progress.step}/{progress.steps}{left}"


@contextmanager
def _status(quiet: bool) -> Iterator[Callable[[str], None]]:
    """A line on stderr that says what happens now, where there is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    with output.console(stderr=True).status("asks the daemon") as line:
        yield line.update


@click.command(
    cls=Command,
    examples=[
        'bullpen generate "a pier at night, rain, ink" -o pier.png',
        'bullpen generate "a market at dawn" --count 4 --seed 7 -o market.png',
        'bullpen generate "a lighthouse" --model starter-text --size 192x128 --steps 12 -o lighthouse.png --json',
        'bullpen generate "a {red|blue} boat in {rain|snow}" --dynamic --count 4 -o boats.png',
        "bullpen generate --like projects/harbor_lights/assets/… -o again.png",
        'bullpen generate "a lighthouse" --model openai:gpt-image-1 -o lighthouse.png --confirm-spend',
    ],
)
@click.argument("prompt", default="")
@click.option("-o", "--out", required=True, metavar="FILE", help="PNG to write; several are numbered beside it.")
@click.option("--like", metavar="ASSET", default="", help="Take what is not given from this picture's recipe.")
@click.option("--model", default="", help="Model name, or the path of a local diffusers folder.")
@click.option("--negative", metavar="TEXT", default="", help="What the picture is not to show.")
@click.option("--seed", type=Whole(0, _SEEDS - 1), help="Seed of the first picture; without it a new one each time.")
@click.option("--steps", type=Whole(-(2**31)), help="Denoising steps.")
@click.option("--guidance", type=float, help="How strongly the text acts.")
@click.option("--size", metavar="WxH", help="Size in pixels, or one side of a square; the model's own if left out.")
@click.option("--count", type=Whole(1), default=1, show_default=True, help="Pictures to make.")
@click.option("--lora", "loras", multiple=True, metavar="NAME[=SCALE]", help="A LoRA on the model; scale −2 to 2.")
@click.option("--confirm-spend", is_flag=True, help="Agree to what a provider's model charges.")
@click.option("--dynamic", is_flag=True, help="Expand {a|b} and __wildcards__ from the seed, anew for each picture.")
@click.option("--keep-alive", type=SPAN, help="How long the model stays in memory afterwards, such as 0, 90s or 1h.")
@click.option("--force", is_flag=True, help="Write over files that exist.")
@pass_state
def generate(state: State, /, prompt: str, **options: Any) -> int:
    """Make a picture from a text, without a project.

    Nothing is kept but the files; each carries its recipe. Ctrl-C stops within one denoising step.
    """
    files = targets(Path(options["out"]).expanduser(), options["count"], options["force"])
    options["prompt"] = prompt
    another_way = ""
    if options["like"]:
        another_way = made_again(take_over(state, options, "prompt"))
    elif not prompt:
        raise click.UsageError("missing the text of the picture; --like takes it from another picture.")
    prompt = options["prompt"]
    request = request_of(prompt, options)
    probe(files[0])
    began = time.monotonic()

    async def body(session: Session) -> int:
        with _status(state.json) as show:
            if options["dynamic"]:
                started, made = await _expanded(session, request, files, show)
            else:
                started, made = await receive(session, request, files, show)
        seconds = time.monotonic() - began
        if state.json:
            output.emit(_as_dict(prompt, started, made, seconds))
            return OK
        for file, head in made:
            output.say(f"{file}  {head.width}×{head.height}, seed {head.seed}")
        cost = f", about {started.estimated_cost_usd:.2f} USD" if started.estimated_cost_usd else ""
        output.note(f"{started.model}, {output.count(started.sampling.steps, 'step')}, {output.span(seconds)}{cost}")
        return OK

    try:
        return state.with_session(body)
    except ModelUnsupported as refused:
        refused.remedy = another_way or refused.remedy
        raise
    except KeyboardInterrupt:
        output.note("")
        output.note("Stopped.", style="yellow")
        return INTERRUPTED


async def _expanded(
    session: Session, request: lab_pb2.GenerateRequest, files: list[Path], show: Callable[[str], None]
) -> tuple[lab_pb2.GenerateStarted, list[tuple[Path, lab_pb2.GeneratedPicture]]]:
    """One picture for each expansion of the text; its words are those of its recipe."""
    asked = prompt_pb2.ExpandPromptRequest(text=request.prompt, seed=request.seed, count=len(files))
    found = await session.prompts.ExpandPrompt(asked)
    started, made = lab_pb2.GenerateStarted(), []
    for file, expansion in zip(files, found.expansions, strict=True):
        one = lab_pb2.GenerateRequest()
        one.CopyFrom(request)
        one.prompt, one.seed, one.count = expansion.plain_text, expansion.seed, 1
        output.note(f"{file}  {expansion.plain_text}")
        started, pictures = await receive(session, one, [file], show)
        made += pictures
    return started, made


def _as_dict(
    prompt: str,
    started: lab_pb2.GenerateStarted,
    made: list[tuple[Path, lab_pb2.GeneratedPicture]],
    seconds: float,
) -> dict[str, Any]:
    return {
        "prompt": prompt,
        "model": started.model,
        "sampling": output.as_dict(started.sampling),
        "seconds": round(seconds, 3),
        "pictures": [
            {
                "file": str(file),
                "seed": head.seed,
                "width": head.width,
                "height": head.height,
                "size_bytes": head.size_bytes,
                "sha256": head.sha256,
            }
            for file, head in made
        ],
    }
