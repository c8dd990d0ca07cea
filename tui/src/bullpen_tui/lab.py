"""Single pictures: from the fields of the lab to a request, and from a stream of answers to what happened."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from bullpen_api.v1 import lab_pb2, postprocess_pb2
from bullpen_client.errors import ContentLost
from textual.message import Message

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.plan import FormError
from bullpen_tui.snapshot import leaf

TOOLS = ("generate", "cutout", "upscale", "color")
CAPABILITIES = {"generate": "text_to_image", "cutout": "cutout", "upscale": "upscale"}
"""What a model must be able to do for a tool; colour needs none."""
HELP = {
    "prompt": "What the picture shows, in words.",
    "negative": "What it must not show. May be left empty.",
    "path": "A picture on the daemon's machine: a whole path, or one that begins with ~.",
    "count": "How many pictures are made; each from a seed of its own.",
    "seed": "Where chance begins. The same seed makes the same picture again.",
    "steps": "More take longer and may be finer; empty takes the model's own.",
    "scale": "How many times as wide and high: 2 or 4.",
    "model": "What does the work: what is ready and can do it; “paid” costs money.",
    "profile": "How colours are changed; settings/color-correction.json has the profiles.",
}
"""What each field is good for."""


def generate_request(fields: Mapping[str, str]) -> lab_pb2.GenerateRequest:
    """The request for what the fields say. Raises FormError for what is missing or no number."""
    if not fields["prompt"]:
        raise FormError("Say what the picture shows.")
    request = lab_pb2.GenerateRequest(
        prompt=fields["prompt"], negative_prompt=fields["negative"], model=fields["model"]
    )
    for name in ("count", "seed", "steps"):
        if not fields[name]:
            continue
        if not (fields[name].isascii() and fields[name].isdigit()) or len(fields[name]) > 10:
            raise FormError(f"{name}: “{fields[name]}” is no whole number.")
        if name == "count":
            request.count = int(fields[name])
        elif name == "seed":
            request.seed = int(fields[name])
        else:
            request.sampling.steps = int(fields[name])
    return request


def picture_request(tool: str, path: str, fields: Mapping[str, str]) -> postprocess_pb2.ProcessPictureHead:
    """The request for one step on one picture. Raises FormError without a picture, and for a scale that is none."""
    if not path:
        raise FormError("Name the picture: its path on the daemon's machine.")
    wish = postprocess_pb2.PostProcess()
    if tool == "cutout":
        wish.cutout.model = fields["model"]
        wish.refine.SetInParent()
    elif tool == "upscale":
        wish.upscale.model = fields["model"]
        if fields["scale"] and not fields["scale"].isdigit():
            raise FormError(f"scale: “{fields['scale']}” is no whole number, such as 2 or 4.")
        wish.upscale.scale = int(fields["scale"] or 0)
    else:
        wish.color.profile = fields["profile"]
    return postprocess_pb2.ProcessPictureHead(post_process=wish, path=path)


async def generated(stream: AsyncIterator[lab_pb2.GenerateResponse]) -> AsyncIterator[Message]:
    """What happens while pictures are made. Raises ContentLost where one was damaged on its way."""
    model = ""
    picture: lab_pb2.GeneratedPicture | None = None
    content = b""
    async for answer in stream:
        match answer.WhichOneof("body"):
            case "started":
                model = answer.started.model
                place = f"place {answer.started.position} in the queue" if answer.started.position else "begins"
                yield say.LabMoved(f"{leaf(model)}   {place}")
            case "progress":
                mark = answer.progress
                step = f"step {mark.step}/{mark.steps}" if mark.phase == "denoising" else mark.phase
                yield say.LabMoved(f"picture {mark.picture}   {step}   {leaf(mark.device)}", mark.preview)
            case "picture":
                if picture is not None:
                    yield _made(picture, content, model)
                picture, content = answer.picture, b""
            case "chunk":
                content += answer.chunk
            case _:
                continue
    if picture is not None:
        yield _made(picture, content, model)


def _made(picture: lab_pb2.GeneratedPicture, content: bytes, model: str) -> Message:
    took = words.span(picture.device_seconds)
    about = f"{leaf(model)}   seed {picture.seed}   {picture.width}×{picture.height}   {took}"
    return say.LabMade(_whole(content, picture.sha256), about)


async def processed(stream: AsyncIterator[postprocess_pb2.ProcessPictureResponse]) -> AsyncIterator[Message]:
    """What happens while a picture goes through the chain. Raises ContentLost where it was damaged on its way."""
    picture: postprocess_pb2.ProcessedPicture | None = None
    content = b""
    async for answer in stream:
        match answer.WhichOneof("body"):
            case "progress":
                yield say.LabMoved(f"{answer.progress.step}   {words.percent(answer.progress.share)}")
            case "picture":
                picture = answer.picture
            case "chunk":
                content += answer.chunk
            case _:
                continue
    if picture is not None:
        steps = "   ".join(f"{name} {words.span(seconds)}" for name, seconds in sorted(picture.seconds.items()))
        alpha = "   with transparency" if picture.has_alpha else ""
        yield say.LabMade(_whole(content, picture.sha256), f"{picture.width}×{picture.height}{alpha}   {steps}")


def _whole(content: bytes, digest: str) -> bytes:
    if hashlib.sha256(content).hexdigest() != digest:
        raise ContentLost("The picture was damaged on its way; run it again.")
    return content


def free_path(wanted: Path) -> Path:
    """The path itself, or the next one with a number that is not taken, such as `pier-2.png`."""
    number, path = 1, wanted
    while path.exists():
        number += 1
        path = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
    return path


def suggested(tool: str, source: str) -> str:
    """A file name for a result: words of the prompt, or the picture's name with the tool's."""
    if tool == "generate":
        plain = re.sub(r"[^a-z0-9]+", "-", source.casefold()).strip("-")
        return f"{plain[:40].rstrip('-') or 'picture'}.png"
    return f"{Path(source).stem}-{tool}.png"
