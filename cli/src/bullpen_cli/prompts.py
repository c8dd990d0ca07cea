"""`bullpen prompts`: every prompt that was kept, expanded from a seed, enhanced for a model, and taken back."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import prompt_pb2 as pb
from bullpen_client import names

from bullpen_cli import output
from bullpen_cli.command import Group, State, Whole, pass_state
from bullpen_cli.paging import everything

if TYPE_CHECKING:
    from bullpen_client import Session

_LONG = 90


@click.group(
    cls=Group,
    examples=[
        'bullpen prompts add harbor_lights "a pier at dusk, {rain|snow|fog}"',
        'bullpen prompts list harbor_lights --search "pier dusk"',
        'bullpen prompts expand "{2$$red|blue|green} boats, __weather__" --seed 7 --count 4',
        'bullpen prompts enhance harbor_lights "a pier at dusk" --model starter-edit',
        "bullpen prompts revert harbor_lights/p-0003",
        "bullpen prompts wildcards harbor_lights",
    ],
)
def prompts() -> None:
    """Prompts as they were, and what can be made of them."""


def full(text: str) -> str:
    """`P/X` as a full name; a full name stays. Raises a usage error."""
    if text.startswith("projects/"):
        return text
    project, slash, ident = text.partition("/")
    if not (project and slash and ident) or "/" in ident:
        raise click.UsageError(f"'{text}' is no prompt; use one such as PROJECT/p-0001.")
    return f"projects/{project}/prompts/{ident}"


def model_name(text: str) -> str:
    """A model's resource name; empty stays empty."""
    return text if not text or "/" in text else f"models/{text}"


def _one(state: State, prompt: pb.Prompt) -> None:
    if state.json:
        output.emit(prompt)
        return
    name = names.parse(prompt.name)
    kind = pb.Prompt.Kind.Name(prompt.kind).removeprefix("KIND_").lower()
    output.say(
        f"{name['projects']}/{name.ident}  {kind}" + (f" · {prompt.family}" if prompt.family else ""), style="dim"
    )
    output.say(prompt.text)
    if prompt.negative_text:
        output.say(f"not: {prompt.negative_text}", style="dim")
    for note in prompt.notes:
        output.say(f"⚑ {note}", style="yellow", wrap=2)
    if prompt.parent_prompt:
        output.say(f"  before  bullpen prompts show {'/'.join(prompt.parent_prompt.split('/')[1::2])}")


@prompts.command("add", examples=['bullpen prompts add harbor_lights "a pier at dusk"'])
@click.argument("project")
@click.argument("text")
@click.option("--negative", default="", help="What should not be there.")
@click.option("--model", default="", help="Model that it is written for.")
@pass_state
def add(state: State, project: str, text: str, negative: str, model: str) -> None:
    """Keep a prompt."""
    request = pb.CreatePromptRequest(
        parent=names.project(project),
        prompt=pb.Prompt(text=text, negative_text=negative, model=model_name(model)),
        request_id=str(uuid.uuid4()),
    )

    async def body(session: Session) -> pb.Prompt:
        return await session.prompts.CreatePrompt(request)

    _one(state, state.with_session(body))


@prompts.command("list", examples=["bullpen prompts list harbor_lights", "bullpen prompts list P --search rain"])
@click.argument("project")
@click.option("--search", "query", default="", help="Only those that hold all these words.")
@pass_state
def list_prompts(state: State, project: str, query: str) -> None:
    """List prompts, newest first."""
    request = pb.ListPromptsRequest(parent=names.project(project), query=query)

    async def body(session: Session) -> list[pb.Prompt]:
        return (await everything(session.prompts.ListPrompts, request, "prompts"))[0]

    found = state.with_session(body)
    if state.json:
        output.emit({"prompts": [output.as_dict(item) for item in found]})
        return
    output.table(
        ("prompt", "kind", "family", "text", "made"),
        (
            (
                names.ident(item.name),
                pb.Prompt.Kind.Name(item.kind).removeprefix("KIND_").lower(),
                item.family or "–",
                item.text if len(item.text) <= _LONG else item.text[: _LONG - 1] + "…",
                output.moment(item.create_time),
            )
            for item in found
        ),
        empty="No prompt holds these words." if query else "No prompt was kept yet.",
    )


@prompts.command("show", examples=["bullpen prompts show harbor_lights/p-0003"])
@click.argument("prompt")
@pass_state
def show(state: State, prompt: str) -> None:
    """Show one prompt."""
    request = pb.GetPromptRequest(name=full(prompt))

    async def body(session: Session) -> pb.Prompt:
        return await session.prompts.GetPrompt(request)

    _one(state, state.with_session(body))


@prompts.command("enhance", examples=['bullpen prompts enhance harbor_lights "a pier at dusk" --model starter-edit'])
@click.argument("project")
@click.argument("text")
@click.option("--negative", default="", help="What should not be there.")
@click.option("--model", default="", help="Model whose family decides the form.")
@click.option("--family", default="", help="The family itself, such as sdxl or flux.")
@pass_state
def enhance(state: State, project: str, text: str, negative: str, model: str, family: str) -> None:
    """Rewrite a prompt for a family of models; the prompt as it was is kept first."""
    request = pb.EnhancePromptRequest(
        parent=names.project(project),
        text=text,
        negative_text=negative,
        model=model_name(model),
        family=family,
        request_id=str(uuid.uuid4()),
    )

    async def body(session: Session) -> pb.Prompt:
        return await session.prompts.EnhancePrompt(request)

    _one(state, state.with_session(body))


@prompts.command("revert", examples=["bullpen prompts revert harbor_lights/p-0003"])
@click.argument("prompt")
@pass_state
def revert(state: State, prompt: str) -> None:
    """Make the prompt before an enhancement the newest one again."""
    request = pb.RevertPromptRequest(name=full(prompt))

    async def body(session: Session) -> pb.Prompt:
        return await session.prompts.RevertPrompt(request)

    _one(state, state.with_session(body))


@prompts.command(
    "expand",
    examples=[
        'bullpen prompts expand "{a|b} boat" --seed 7',
        'bullpen prompts expand "{2$$red|blue|green} boats, __weather__" --project harbor_lights --count 4',
    ],
)
@click.argument("text")
@click.option("--project", default="", metavar="SLUG", help="Project whose wildcards are seen.")
@click.option("--seed", type=Whole(0, 2**32 - 1), default=0, show_default=True, help="Seed of the first expansion.")
@click.option("--count", type=Whole(1, 100), default=1, show_default=True, help="How many.")
@click.option("--family", default="", help="Family of the model, for what it does with weights.")
@pass_state
def expand(state: State, text: str, project: str, seed: int, count: int, family: str) -> None:
    """Expand a dynamic prompt; the same seed always gives the same words."""
    request = pb.ExpandPromptRequest(
        parent=names.project(project) if project else "", text=text, seed=seed, count=count, family=family
    )

    async def body(session: Session) -> pb.ExpandPromptResponse:
        return await session.prompts.ExpandPrompt(request)

    found = state.with_session(body)
    if state.json:
        output.emit(found)
        return
    for item in found.expansions:
        output.say(item.text if count == 1 else f"{item.seed:>6}  {item.text}", wrap=8)
    for note in found.notes:
        output.note(f"⚑ {note}", style="yellow", wrap=2)
    output.note(f"{found.combinations or 'more than can be counted'} combinations")


@prompts.command("wildcards", examples=["bullpen prompts wildcards", "bullpen prompts wildcards harbor_lights"])
@click.argument("project", required=False)
@pass_state
def wildcards(state: State, project: str | None) -> None:
    """List the wildcards: text files below `wildcards/` of the project's folder and of the home."""
    request = pb.ListWildcardsRequest(parent=names.project(project) if project else "")

    async def body(session: Session) -> pb.ListWildcardsResponse:
        return await session.prompts.ListWildcards(request)

    found = state.with_session(body)
    if state.json:
        output.emit(found)
        return
    output.table(
        ("wildcard", "lines", "file"),
        ((f"__{item.wildcard}__", item.lines, item.path) for item in found.wildcards),
        empty="There is no wildcard yet. Write a text file with one choice on each line into `wildcards/` of the home.",
        right=("lines",),
    )
