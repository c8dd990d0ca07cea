"""Language models in GGUF files: what is read off their heads, and what is refused with the file's name."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from bullpend.errors import ModelCorrupt, ModelNotFound, ModelUnsupported
from bullpend.models import language
from bullpend.models.gguf import GgufError, read_head
from bullpend.models.hashes import Hashes
from bullpend.models.model import CHAT, ModelState
from bullpend.models.registry import Registry

from tests.support.tiny_gguf import CHATML, write


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole file."""
    return write(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


def test_the_head_says_what_the_model_is(tiny: Path) -> None:
    """Architecture, window, template, kind and number of weights come from the file's head; nothing else is read."""
    (model,) = Registry([tiny.parent]).scan()
    assert (model.name, model.engine, model.capabilities) == ("models/tiny.gguf", "llama", (CHAT,))
    assert (model.state, model.family, model.title, model.licence) == (ModelState.READY, "llama", "Tiny", "Apache-2.0")
    said = model.language
    assert said is not None
    assert (said.context_length, said.chat_template, said.quantization) == (4096, CHATML, "F32")
    assert said.parameters == 132_800
    assert (model.size_bytes, model.default_width) == (tiny.stat().st_size, 0)


def test_what_is_loaded_is_what_was_hashed(tiny: Path) -> None:
    """The worker gets the file with its hash; another content under the same name is refused."""
    folder = tiny.parent
    registry = Registry([folder], hashes=Hashes(now=lambda: 2**62))
    digest = registry.verify("tiny.gguf").digest
    model, (file,) = registry.loadable("models/tiny.gguf", digest)
    assert (model.digest, file.path, file.mark.size) == (digest, "tiny.gguf", tiny.stat().st_size)
    by_path = Registry([], roots=[folder]).verify(str(tiny))
    assert (by_path.name, by_path.digest) == (str(tiny), digest)
    other = write(folder / "sub" / "other.gguf", seed=8)
    kept = tiny.read_bytes()
    try:
        other.replace(tiny)
        with pytest.raises(ModelCorrupt):
            registry.loadable("models/tiny.gguf", digest)
    finally:
        tiny.write_bytes(kept)


@pytest.mark.parametrize("keep", [0, 3, 4, 23, 200, 5000, -1])
def test_a_file_that_is_not_whole_is_refused_by_name(tiny: Path, tmp_path: Path, keep: int) -> None:
    """Wherever a download broke off, in the head or in the weights, the file is corrupt by name and cannot be used."""
    (tmp_path / "cut.gguf").write_bytes(tiny.read_bytes()[:keep])
    registry = Registry([tmp_path])
    (model,) = registry.scan()
    assert (model.state, model.refusal) == (ModelState.CORRUPT, "MODEL_CORRUPT")
    with pytest.raises(ModelCorrupt, match=r"cut\.gguf"):
        registry.verify("cut.gguf")


def test_an_unknown_architecture_is_refused_by_name(tmp_path: Path) -> None:
    """What this version cannot talk with says so, with the file and what it holds."""
    write(tmp_path / "new.gguf", architecture="frobnicator9")
    write(tmp_path / "clip.gguf", architecture="clip")
    registry = Registry([tmp_path])
    assert [model.state for model in registry.scan()] == [ModelState.UNSUPPORTED] * 2
    with pytest.raises(ModelUnsupported, match=r"new\.gguf .*frobnicator9"):
        registry.verify("new.gguf")
    with pytest.raises(ModelUnsupported, match=r"clip\.gguf .*picture encoder"):
        registry.verify("clip.gguf")


def test_hostile_heads_are_refused_at_once(tmp_path: Path) -> None:
    """Counts and lengths that no file can hold are not believed."""
    head = b"GGUF" + struct.pack("<I", 3)
    said = {
        "no-magic": b"\0" * 64,
        "version": b"GGUF" + struct.pack("<IQQ", 9, 0, 0),
        "many-values": head + struct.pack("<QQ", 0, 2**60),
        "many-tensors": head + struct.pack("<QQ", 2**60, 0),
        "long-key": head + struct.pack("<QQQ", 0, 1, 2**62) + b"x" * 100,
        "long-list": head + struct.pack("<QQQ", 0, 1, 1) + b"x" + struct.pack("<IIQ", 9, 8, 2**62),
        "type": head + struct.pack("<QQQ", 0, 1, 1) + b"x" + struct.pack("<I", 77),
        "shape": head + struct.pack("<QQQ", 1, 0, 1) + b"x" + struct.pack("<IQQIQ", 2, 2**40, 2**40, 0, 0),
    }
    for name, content in said.items():
        path = tmp_path / f"{name}.gguf"
        path.write_bytes(content)
        with pytest.raises(GgufError):
            read_head(path)


def test_names_say_where_a_file_lies(tiny: Path, tmp_path: Path) -> None:
    """Files of a folder and of a cache entry are models of their own; names keep their ending, also of a namesake."""
    one, two = tmp_path / "one", tmp_path / "two"
    for place in ("a.gguf", "qwen/a.gguf", "qwen/b.gguf", "models--x--y/snapshots/1/c.gguf"):
        (one / place).parent.mkdir(parents=True, exist_ok=True)
        (one / place).write_bytes(tiny.read_bytes())
    write(two / "a.gguf")
    names = [model.name for model in Registry([one, two]).scan()]
    assert names == [
        "models/a-2.gguf",
        "models/a.gguf",
        "models/qwen--a.gguf",
        "models/qwen--b.gguf",
        "models/x--y--c.gguf",
    ]
    assert all(language.is_language(name) for name in names)


def test_a_model_of_several_files_is_one(tiny: Path, tmp_path: Path) -> None:
    """Shards are listed once, under the first, and a missing one is named."""
    for number in (1, 2):
        (tmp_path / f"big-{number:05d}-of-00002.gguf").write_bytes(tiny.read_bytes())
    registry = Registry([tmp_path])
    (model,) = registry.scan()
    assert (model.name, model.size_bytes) == ("models/big.gguf", 2 * tiny.stat().st_size)
    assert len(registry.loadable("big.gguf", registry.verify("big.gguf").digest)[1]) == 2
    (tmp_path / "big-00002-of-00002.gguf").unlink()
    with pytest.raises(ModelCorrupt, match="big-00002-of-00002"):
        registry.verify("big.gguf")


def test_a_file_that_is_gone_is_not_installed(tiny: Path, tmp_path: Path) -> None:
    """A file that was taken away after a scan is no model any more."""
    path = tmp_path / "gone.gguf"
    path.write_bytes(tiny.read_bytes())
    registry = Registry([tmp_path])
    registry.scan()
    path.unlink()
    with pytest.raises(ModelNotFound):
        registry.get("gone.gguf")
