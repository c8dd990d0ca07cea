"""Training from the first render to a checkpoint that is gone on from, with a handful of panels and steps."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bullpen_starter import models_root
from bullpen_starter.train import data, edit, examples, generate, lora, reader, vae
from bullpen_starter.train.parallel import Team
from bullpen_starter.train.text import Words


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layouts of each split, drawn and encoded, with the shipped words and a reader that saw a few."""
    folder = tmp_path_factory.mktemp("training")
    for part in ("tokenizer", "text_encoder"):
        (folder / part).symlink_to(models_root() / "starter-edit" / part)
    data.prepare(folder, layouts=2, held_out=2, workers=1)
    vae.encode(folder)
    reader.train(folder, "cpu", 0.01, resume=False)
    return folder


def _state(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(path, weights_only=True)
    assert all(bool(torch.isfinite(value).all()) for value in found["average"].values())
    return found


def test_what_is_drawn_comes_from_one_edit(cache: Path) -> None:
    """Source, target and noise of a row belong to the edit that the row names."""
    torch.manual_seed(1)
    shelf = examples.Examples(cache, "train", "cpu", Words(cache, "cpu"))
    batch = shelf.draw(64, own=0.0)
    latents = torch.from_numpy(np.load(cache / "train.latents.npy")).float()
    _, _, pairs = data.load(cache, "train")
    for row, number in enumerate(batch.edit.tolist()):
        assert torch.equal(batch.source[row], latents[pairs[number].source])
        wanted = batch.source[row] if batch.plain[row] else latents[pairs[number].target]
        assert torch.equal(batch.target[row], wanted)
        told = torch.nn.functional.avg_pool2d(batch.noise[row], 4) * 4
        assert torch.allclose(told, shelf.fields[shelf.field[number]], atol=1e-3)


def test_own_pictures_become_sources(cache: Path) -> None:
    """What the model made of a target is the source of later edits; what was made without an instruction is not."""
    shelf = examples.Examples(cache, "train", "cpu", Words(cache, "cpu"))
    batch = shelf.draw(8, own=0.0)
    batch.plain[:] = False
    batch.plain[0] = True
    batch.edit[0] = (batch.edit[1:].max() + 1) % len(shelf.target)
    made = torch.full_like(batch.target, 7.0)
    chosen = torch.ones(8, dtype=torch.bool)
    before = shelf.own.clone()
    shelf.keep(batch, made, chosen)
    kept = set(shelf.target[batch.edit[1:]].tolist())
    assert all(bool((shelf.own[at] == 7).all()) for at in kept)
    others = [at for at in range(len(before)) if at not in kept]
    assert torch.equal(shelf.own[others], before[others])


def test_text_first_then_edits_then_a_lora(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The edit network begins with the text-to-image network, goes on where it stopped, and carries a LoRA."""
    monkeypatch.setitem(generate.BATCH, "cpu", 2)
    monkeypatch.setitem(edit.BATCH, "cpu", 2)
    monkeypatch.setitem(lora.BATCH, "cpu", 2)
    monkeypatch.setattr(lora, "LAYOUTS", 2)
    generate.train(cache, "cpu", 0.005, resume=False)
    assert _state(cache / "generate.pt")["steps"] > 0
    edit.train(Team(), cache, "cpu", 0.01, resume=False)
    first = _state(cache / "edit.pt")
    edit.train(Team(), cache, "cpu", first["used"] / 60 + 0.01, resume=True)
    again = _state(cache / "edit.pt")
    assert again["steps"] > first["steps"] > 0
    assert again["used"] > first["used"]
    lora.train(cache, "cpu", 0.005, resume=False)
    assert torch.load(cache / "lora.pt", weights_only=True)["steps"] > 0


def test_the_reader_asks_for_what_an_answer_shows(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the reader misses pulls at the network, which pulls nothing at the reader; silence is asked for nothing."""
    monkeypatch.setitem(edit.BATCH, "cpu", 2)
    if not (cache / "generate.pt").exists():
        generate.train(cache, "cpu", 0.005, resume=False)
    trainer = edit.Trainer(Team(), cache, "cpu", 1)
    batch, strong = trainer.examples.draw(8, own=0.0), torch.full((8,), 999)
    batch.plain[:] = False
    answer = batch.target.clone().requires_grad_()
    trainer._unread(batch, answer, strong).backward()  # type: ignore[no-untyped-call]
    assert answer.grad is not None
    assert float(answer.grad.abs().sum()) > 0
    assert all(p.grad is None for p in trainer.reader.parameters())
    batch.plain[:] = True
    assert float(trainer._unread(batch, answer, strong).detach()) == 0
    batch.plain[:] = False
    assert float(trainer._unread(batch, answer, torch.full((8,), edit.ROUGH)).detach()) == 0


def test_an_infinite_gradient_is_not_learned(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step without a finite gradient leaves the network as it was; many of them end the training with a reason."""
    monkeypatch.setitem(edit.BATCH, "cpu", 2)
    if not (cache / "generate.pt").exists():
        generate.train(cache, "cpu", 0.005, resume=False)
    trainer = edit.Trainer(Team(), cache, "cpu", 1)
    before = [p.detach().clone() for p in trainer.net.parameters()]
    trainer.examples.latents[:] = torch.inf
    trainer.step()
    assert all(torch.equal(one, other) for one, other in zip(before, trainer.net.parameters(), strict=True))
    monkeypatch.setattr(edit, "LOST", 2)
    with pytest.raises(FloatingPointError, match="lower rate"):
        trainer.step()
