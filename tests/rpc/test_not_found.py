"""What is not there: the error names the command that lists what is."""

from __future__ import annotations

import click
import pytest
from bullpen_cli.main import bullpen
from bullpend.errors import LISTED_BY, ResourceNotFound


@pytest.mark.parametrize(
    ("resource", "command"),
    [
        ("projects/noir/styleGuides/ink", "bullpen styles list noir"),
        ("projects/noir/runs/r-9", "bullpen runs list --project noir"),
        ("projects/noir/runs/r-1/jobs/j-9", "bullpen runs jobs noir/r-1"),
        ("projects/noir/runs/r-1/jobs/j-1/candidates/c-9", "bullpen runs jobs noir/r-1"),
        ("paidRequests/x", "bullpen remote list"),
    ],
)
def test_the_command_that_lists_its_like_is_named(resource: str, command: str) -> None:
    """With the project or run in which it was looked for."""
    assert f"`{command}`" in ResourceNotFound("There is none.", resource=resource).remedy


@pytest.mark.parametrize("resource", ["", "x", "chatEngines/nope", "projects/noir/pages/p-1", "a/b/c"])
def test_what_no_command_lists_has_the_usual_remedy(resource: str) -> None:
    """And a remedy that is given goes before both."""
    assert ResourceNotFound("There is none.", resource=resource).remedy == ResourceNotFound.default_remedy
    given = ResourceNotFound("There is none.", resource="projects/p/scenes/s", remedy="Look again.")
    assert given.remedy == "Look again."


@pytest.mark.parametrize("line", sorted(set(LISTED_BY.values())))
def test_every_command_that_is_named_exists(line: str) -> None:
    """A remedy that cannot be typed is none."""
    command: click.Command = bullpen
    context = click.Context(command)
    for word in line.split():
        if not isinstance(command, click.Group):
            break
        found = command.get_command(context, word)
        assert found is not None, line
        command = found
    assert not isinstance(command, click.Group), line
