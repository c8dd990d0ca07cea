"""Wrong command lines: status 2 and exactly one line; help with examples everywhere; no traceback ever."""

from pathlib import Path

import click
import pytest
from bullpen_cli import failure, main
from bullpen_cli.command import Group

from tests.cli.conftest import Bullpen

WRONG = [
    ["projcts"],
    ["projects"],
    ["projects", "lst"],
    ["projects", "show"],
    ["projects", "create", "a", "b"],
    ["--nonsense"],
    ["run"],
    ["run", "--project", "p"],
    ["run", "--project", "p", "--stage", "s", "--candidates", "many"],
    ["run", "--project", "p", "--stage", "s", "--candidates", "0"],
    ["run", "--project", "p", "--stage", "s", "--seed", "-1"],
    ["run", "--project", "p", "--stage", "s", "--scenes", ""],
    ["run", "--project", "p", "--stage", "s", "--scenes", "a", "--all-scenes"],
    ["run", "--project", "p", "--stage", "s", "--all-scenes", "--set", "novalue"],
    ["run", "--replay", "/no/such/file"],
    ["cancel"],
    ["cancel", "last", "--all"],
    ["cancel", "a/b/c/d/e"],
    ["tune", "p/r/j"],
    ["tune", "p/r", "--steps", "4"],
    ["accept", "projects//runs"],
    ["accept", "../../etc/passwd"],
    ["accept", "last"],
    ["accept", "p/r/j"],
    ["accept", "r-0001-style/j-001"],
    ["scenes", "add", "p", "/no/such/picture.png"],
    ["watch", "--after", "-1"],
    ["call"],
    ["completion", "tcsh"],
    ["assets", "save", "a", "--out", "/no/such/folder/x.png"],
]


@pytest.mark.parametrize("line", WRONG, ids=" ".join)
def test_a_wrong_line_is_told_in_one_line(
    line: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Status 2, one line on stderr that names the help, nothing on stdout; no daemon is needed to say so."""
    monkeypatch.setenv("BULLPEN_HOME", str(tmp_path))
    assert main.run(line) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "--help" in said.err


def commands(group: Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command of a group, with those below."""
    found: list[tuple[str, ...]] = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found.append((*path, name))
        if isinstance(command, Group):
            found.extend(commands(command, (*path, name)))
    return found


@pytest.mark.parametrize("path", commands(main.bullpen), ids=" ".join)
def test_every_command_has_help_with_examples(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """--help shows what the command does, --home, --json and at least one example of itself."""
    assert main.run([*path, "--help"]) == 0
    text = capsys.readouterr().out
    assert "--home" in text
    assert "--json" in text
    examples = text.partition("Examples:\n")[2]
    assert f"bullpen {' '.join(path)}" in examples


def test_the_help_names_every_command_under_a_heading(capsys: pytest.CaptureFixture[str]) -> None:
    """All commands are in `bullpen --help`, each below the heading where it belongs, and no line is cut off."""
    assert main.run(["--help"]) == 0
    text = capsys.readouterr().out
    for heading, part in main.SECTIONS.items():
        below = text.partition(f"{heading}:\n")[2].partition("\n\n")[0]
        assert [line.split()[0] for line in below.splitlines() if line[2:3] != " "] == list(part)
        assert "..." not in below


@pytest.mark.parametrize("verb", main.ELSEWHERE)
def test_a_verb_that_people_look_for_at_the_top_is_found(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The line names the command that is meant, and that command is there."""
    assert main.run([verb]) == 2
    told = capsys.readouterr().err
    for family in main.ELSEWHERE[verb]:
        assert f"bullpen {family} {verb}" in told
        assert (family, verb) in commands(main.bullpen)


async def test_the_module_runs_as_a_process(bullpen: Bullpen) -> None:
    """The exit status reaches the shell."""
    done = await bullpen("projcts")
    assert (done.status, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert "did you mean projects" in done.err


async def test_bare_without_a_terminal_says_so(bullpen: Bullpen) -> None:
    """The studio is not drawn into a pipe."""
    done = await bullpen()
    assert done.status == 2
    assert "needs a terminal" in done.err


def test_a_fault_leaves_no_traceback_on_the_screen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One line that says where the log is; the traceback lies there."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by the test")

    monkeypatch.setattr(main.bullpen, "main", broken)
    monkeypatch.setenv("BULLPEN_HOME", str(tmp_path))
    assert main.run(["projects", "list"]) == failure.FAILED
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    log = tmp_path / "logs" / "cli.log"
    assert str(log) in said
    assert "ZeroDivisionError: by the test" in log.read_text()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each script calls `bullpen` back."""
    assert main.run(["completion", shell]) == 0
    assert "_BULLPEN_COMPLETE" in capsys.readouterr().out


def test_the_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """`bullpen --version`."""
    assert main.run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("bullpen ")


def test_no_list_of_commands_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """What a command does is told whole, however narrow the terminal is."""
    for path in ([], *(list(path) for path in commands(main.bullpen))):
        assert main.run([*path, "--help"]) == 0
        listed = capsys.readouterr().out.partition("Options:")[2].partition("Examples:")[0]
        assert "..." not in listed, path


def test_a_usage_error_ends_before_where_help_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Also where its words come without a full stop."""
    assert main.run(["bootstrap", "import", "p", "/no/such/file.json"]) == 2
    assert "No such file or directory. See `bullpen bootstrap import --help`." in capsys.readouterr().err
