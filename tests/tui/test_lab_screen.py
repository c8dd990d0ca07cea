"""Single pictures without a project, the chain over a project's pictures, and models in and out of memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bullpen_api.v1 import lab_pb2, model_pb2
from bullpen_client.errors import ContentLost, ModelNotFound, SpendNotConfirmed
from bullpen_tui import lab
from bullpen_tui.plan import FormError
from bullpen_tui.screens.lab import FIELDS, SELECTS, LabScreen
from bullpen_tui.widgets.gallery import Gallery
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.rows import RowTable
from textual.widgets import Input

from tests.tui import story, story_desk
from tests.tui.driving import Driver, live_run, studio
from tests.tui.fake import FakeDaemon


def after(at: Driver) -> Picture:
    return at.app.screen.query_one("#after", Picture)


async def test_a_picture_from_words_is_made_shown_and_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F5 makes it, F2 writes it to a file that was not there before, digits in a field are digits."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a-pier-at-night.png").write_text("taken")
    async with studio() as at:
        await at.go("9", "lab")
        await at.type("A pier at night")
        at.app.screen.query_one("#seed", Input).value = "7"
        await at.press("f5")
        await at.until(lambda: "✓ 1 picture made" in at.words("#lab-words"))
        request = at.fake.asked("generate")[0][0]
        assert isinstance(request, lab_pb2.GenerateRequest)
        assert (request.prompt, request.seed) == ("A pier at night", 7)
        assert after(at).picture is not None
        assert "seed 7" in at.words("#lab-about")
        await at.press("f2")
        await at.until(lambda: at.place == "PathDialog")
        await at.press("enter")
        await at.until(lambda: (tmp_path / "a-pier-at-night-2.png").exists())
        assert (tmp_path / "a-pier-at-night-2.png").read_bytes() == story.png(5)


async def test_a_picture_is_cut_out(tmp_path: Path) -> None:
    """The path goes to the daemon, the source is shown beside the result; escape leaves the field, then the lab."""
    source = tmp_path / "mara.png"
    source.write_bytes(story.png(3))
    async with studio() as at:
        await at.go("9", "lab")
        await at.press("escape", "right_square_bracket")
        screen = at.app.screen
        assert isinstance(screen, LabScreen)
        await at.until(lambda: screen.tool == "cutout")
        screen.query_one("#path", Input).value = str(source)
        await at.press("f5")
        await at.until(lambda: "with transparency" in at.words("#lab-about"))
        assert screen.query_one("#before", Picture).picture is not None
        head = at.fake.asked("process_picture")[0][0]
        assert head.path == str(source)  # type: ignore[attr-defined]
        assert head.post_process.HasField("cutout")  # type: ignore[attr-defined]
        await at.press("escape", "escape")
        await at.until(lambda: at.place == "projects")


async def test_refusals_and_slips_are_sentences() -> None:
    """A missing prompt is said before anything is sent, a refusal with its remedy."""
    fake = FakeDaemon()
    fake.refuse["generate"] = ModelNotFound("No model makes pictures from words.", remedy="Install one.")
    async with studio(fake) as at:
        await at.go("9", "lab")
        await at.press("f5")
        await at.until(lambda: "Say what the picture shows" in at.words("#lab-words"))
        assert not fake.asked("generate")
        await at.type("x")
        await at.press("f5")
        await at.until(lambda: "Install one." in at.words("#lab-words"))


async def test_what_was_damaged_on_its_way_is_not_shown() -> None:
    """A picture whose digest differs is refused."""

    async def damaged() -> None:
        answers = list(story_desk.generated(lab_pb2.GenerateRequest()))
        answers[-1].chunk = b"x"

        async def stream() -> AsyncIterator[lab_pb2.GenerateResponse]:
            for one in answers:
                yield one

        async for _ in lab.generated(stream()):
            pass

    with pytest.raises(ContentLost, match="damaged"):
        await damaged()


@pytest.mark.parametrize(
    ("tool", "fields", "words"),
    [
        ("cutout", {"path": ""}, "path on the daemon's machine"),
        ("upscale", {"path": "/a.png", "scale": "big"}, "such as 2 or 4"),
    ],
)
def test_fields_that_cannot_be(tool: str, fields: dict[str, str], words: str) -> None:
    """The sentence names the field."""
    with pytest.raises(FormError, match=words):
        lab.picture_request(tool, fields["path"], {"model": "", "scale": "", "profile": "", **fields})


async def test_accepted_pictures_go_through_the_chain() -> None:
    """C on a run takes what was accepted; in the assets what is marked; what was made is in the mirror at once."""
    async with live_run() as at:
        await at.press("c")
        await at.until(lambda: at.fake.asked("process_assets") == [(story.PROJECT, (), story.TIME_RUN, False)])
        await at.until(lambda: "1 picture made of 1 picture" in at.screen_text())
        assert f"{story.PROJECT}/assets/r-0001-style-1-1-post" in at.app.snapshot.assets
        await at.go("3", "assets")
        gallery = at.app.screen.query_one("#gallery", Gallery)
        await at.until(lambda: gallery.count[0] > 5)
        await at.press("g", "space", "space", "c")
        await at.until(lambda: len(at.fake.asked("process_assets")) == 2)
        assert len(at.fake.asked("process_assets")[1][1]) == 2  # type: ignore[arg-type]


async def test_a_chain_that_costs_money_is_asked_for() -> None:
    """The price is said before anything is sent; no leaves it, yes does it once with the person's word."""
    async with live_run() as at:
        at.fake.refuse["process_assets"] = SpendNotConfirmed("The cutout costs about $0.20.")
        await at.press("c")
        await at.until(lambda: at.place == "ConfirmDialog" and "about $0.20" in at.screen_text())
        await at.press("n")
        await at.until(lambda: "nothing was spent" in at.screen_text())
        await at.press("c")
        await at.until(lambda: at.place == "ConfirmDialog")
        del at.fake.refuse["process_assets"]
        await at.press("y")
        await at.until(lambda: "1 picture made of 1 picture" in at.screen_text())
        assert [asked[-1] for asked in at.fake.asked("process_assets")] == [False, False, True]


async def test_models_are_loaded_pinned_and_let_go() -> None:
    """O loads, P pins, u frees; a damaged model can do none of it; the matrix says what each can do."""
    async with studio(size=(160, 50)) as at:
        await at.go("7", "models")
        table = at.app.screen.query_one("#models", RowTable)
        await at.until(lambda: table.rows and at.app.snapshot.answer("residents", model_pb2.ListResidentsResponse))
        await at.press("P")
        await at.until(lambda: at.fake.asked("pin") == [("models/starter-edit", True)])
        await at.press("u")
        await at.until(lambda: at.fake.asked("unload") == [("models/starter-edit",)])
        await at.press("o")
        assert not at.fake.asked("load"), "it is in memory"
        await at.press("j", "o", "P")
        assert len(at.fake.asked("pin")) == 1
        await at.press("right_square_bracket")
        await at.until(lambda: "LoRA" in at.screen_text())
        assert [cell.plain for cell in table.rows[0].cells[:4]] == ["Starter edit", "torch", "✓", "·"]


async def test_the_trash_is_undone() -> None:
    """D in the universe puts a scene away, u takes it back."""
    async with studio(size=(80, 24)) as at:
        await at.go("U", "universe")
        await at.until(lambda: at.app.screen.query_one("#universe", RowTable).rows)
        await at.press("d")
        await at.until(lambda: "lies in the trash" in at.screen_text())
        assert at.fake.asked("trash") == [(story.scene_name(1),)]
        gone = story.scenes()[0]
        gone.delete_time.CopyFrom(story.at(0))
        gone.revision = 90
        at.fake.say(at.fake.event(gone.name, scene=gone))
        await at.until(lambda: at.app.screen.check_action("undo", ()))
        await at.press("u")
        await at.until(lambda: at.fake.asked("restore") == [(story.scene_name(1),)])


async def test_a_paid_model_asks_before_it_spends() -> None:
    """The daemon's price is the question; n sends nothing, y sends the same request with the person's word."""
    fake = FakeDaemon()
    fake.refuse["generate"] = SpendNotConfirmed("GPT Image charges about $0.04 for one picture.")
    async with studio(fake) as at:
        await at.go("9", "lab")
        await at.type("A pier")
        await at.press("f5")
        await at.until(lambda: at.place == "ConfirmDialog")
        assert "charges about $0.04" in " ".join(at.screen_text().split())
        await at.press("n")
        await at.until(lambda: "nothing was spent" in at.words("#lab-words"))
        await at.press("f5")
        await at.until(lambda: at.place == "ConfirmDialog")
        del fake.refuse["generate"]
        await at.press("y")
        await at.until(lambda: "✓ 1 picture made" in at.words("#lab-words"))
        last = fake.asked("generate")[-1][0]
        assert isinstance(last, lab_pb2.GenerateRequest)
        assert last.confirm_spend


async def test_every_field_of_the_lab_says_what_it_is_good_for() -> None:
    """A sentence that fits into 80 columns for whatever has the focus, in every tool."""
    assert set(lab.HELP) == {*FIELDS, *SELECTS}
    assert all(20 < len(told) <= 78 for told in lab.HELP.values())
    async with studio(size=(80, 24)) as at:
        await at.go("9", "lab")
        await at.until(lambda: at.words("#lab-about") == lab.HELP["prompt"])
        await at.press("tab")
        await at.until(lambda: at.words("#lab-about") == lab.HELP["negative"])
