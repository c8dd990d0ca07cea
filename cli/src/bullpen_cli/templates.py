"""`bullpen templates`: words for prompts, with variables."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import bible_pb2
from bullpen_client import names

from bullpen_cli import keeping, output
from bullpen_cli.command import Group, State, pairs, pass_state

if TYPE_CHECKING:
    from bullpen_client import Session

SORT = keeping.Sort("PromptTemplate", "prompt_template", "promptTemplates", "templates")


@click.group(
    cls=Group,
    examples=[
        "bullpen templates add noir_city mood --text '{mood}, in {style}.' --variable mood=gloomy --stage style",
        "bullpen templates render noir_city mood --scene pier --set mood=hopeful",
    ],
)
def templates() -> None:
    """Prompt templates: words with {variables}."""


@templates.command("list", examples=["bullpen templates list noir_city --stage style"])
@click.argument("project")
@click.option("--stage", metavar="STAGE", help="Only templates for this stage.")
@keeping.trash_option
@pass_state
def list_templates(state: State, project: str, stage: str | None, trash: bool) -> None:
    """List the prompt templates of a project."""
    only = {"stage": _stage(stage)} if stage else {}
    _show(state, state.with_session(lambda session: SORT.listed(session, project, trash, **only)))


def _stage(name: str) -> str:
    return name if not name or name.startswith("stages/") else f"stages/{name}"


def _show(state: State, found: list[bible_pb2.PromptTemplate]) -> None:
    if state.json:
        output.emit({"promptTemplates": [output.as_dict(item) for item in found]})
        return
    output.table(
        ("template", "title", "stage", "text"),
        ((names.ident(item.name), item.title, names.ident(item.stage) or "–", item.text) for item in found),
        empty="There is no prompt template here. `bullpen templates add PROJECT SLUG --text …` adds one.",
    )


def _declare(message: bible_pb2.PromptTemplate, declared: tuple[str, ...]) -> list[str]:
    """Declares variables, `name` or `name=default`, in place of one of the same name."""
    for text in declared:
        name, equals, default = text.partition("=")
        mine = [variable for variable in message.variables if variable.variable == name]
        variable = mine[0] if mine else message.variables.add(variable=name)
        if equals:
            variable.default_value = default
        else:
            variable.ClearField("default_value")
    return ["variables"] if declared else []


@templates.command("add", examples=["bullpen templates add noir_city mood --text 'Make it {mood}.' --variable mood"])
@click.argument("project")
@click.argument("slug")
@click.option("--text", required=True, help="The words, with {variables}.")
@click.option("--negative", default="", help="What must not be seen, with the same variables.")
@click.option("--variable", "declared", multiple=True, metavar="NAME[=DEFAULT]", help="A variable of the words.")
@click.option("--stage", default="", metavar="STAGE", help="The stage that it is for, whose variables it may use.")
@click.option("--title", default="", help="Name that people read.")
@click.option("--description", default="", help="What it is good for.")
@pass_state
def add_template(
    state: State,
    project: str,
    slug: str,
    text: str,
    negative: str,
    declared: tuple[str, ...],
    stage: str,
    title: str,
    description: str,
) -> None:
    """Add a prompt template."""
    message = bible_pb2.PromptTemplate(
        title=title, description=description, text=text, negative_text=negative, stage=_stage(stage)
    )
    _declare(message, declared)

    async def body(session: Session) -> bible_pb2.PromptTemplate:
        request = bible_pb2.CreatePromptTemplateRequest(
            parent=names.project(project),
            prompt_template_id=slug,
            prompt_template=message,
            request_id=str(uuid.uuid4()),
        )
        return await session.bible.CreatePromptTemplate(request)

    keeping.show(state, state.with_session(body))


@templates.command("edit", examples=["bullpen templates edit noir_city mood --variable mood=hopeful"])
@click.argument("project")
@click.argument("slug")
@click.option("--text", help="The words, with {variables}.")
@click.option("--negative", help="What must not be seen, with the same variables.")
@click.option(
    "--variable", "declared", multiple=True, metavar="NAME[=DEFAULT]", help="Declare a variable, or change it."
)
@click.option("--no-variable", "undeclared", multiple=True, metavar="NAME", help="Take a variable away.")
@click.option("--stage", metavar="STAGE", help="The stage that it is for; '' for any.")
@click.option("--title", help="Name that people read.")
@click.option("--description", help="What it is good for.")
@pass_state
def edit_template(
    state: State,
    project: str,
    slug: str,
    text: str | None,
    negative: str | None,
    declared: tuple[str, ...],
    undeclared: tuple[str, ...],
    stage: str | None,
    title: str | None,
    description: str | None,
) -> None:
    """Change a prompt template; what is not named stays as it is."""

    def edit(message: bible_pb2.PromptTemplate) -> list[str]:
        paths = keeping.put(
            message,
            title=title,
            description=description,
            text=text,
            negative_text=negative,
            stage=None if stage is None else _stage(stage),
        )
        for index in reversed(range(len(message.variables))):
            if message.variables[index].variable in undeclared:
                del message.variables[index]
        return [*paths, *(_declare(message, declared) or (["variables"] if undeclared else []))]

    keeping.show(state, state.with_session(lambda session: keeping.change(session, SORT, project, slug, edit)))


@templates.command(
    "render",
    examples=[
        "bullpen templates render noir_city mood --set mood=hopeful",
        'bullpen run --project noir_city --stage style --all-scenes --instruction "$(bullpen templates render …)"',
    ],
)
@click.argument("project")
@click.argument("slug")
@click.option("--set", "values", multiple=True, metavar="KEY=VALUE", help="A value of the template's variables.")
@click.option("--scene", metavar="SLUG", help="Take values of this scene and its first character.")
@click.option("--style", metavar="SLUG", help="Take values of this style guide.")
@pass_state
def render_template(
    state: State, project: str, slug: str, values: tuple[str, ...], scene: str | None, style: str | None
) -> None:
    """Fill a prompt template and print its words."""
    request = bible_pb2.RenderPromptTemplateRequest(
        name=SORT.name(project, slug),
        values=pairs(values),
        scene=names.scene(project, scene) if scene else "",
        style_guide=names.style_guide(project, style) if style else "",
    )

    async def body(session: Session) -> bible_pb2.RenderPromptTemplateResponse:
        return await session.bible.RenderPromptTemplate(request)

    filled = state.with_session(body)
    if state.json:
        output.emit(filled)
        return
    output.say(filled.text)
    if filled.negative_text:
        output.note(f"not   {filled.negative_text}", wrap=6)


keeping.add_commands(templates, SORT)
