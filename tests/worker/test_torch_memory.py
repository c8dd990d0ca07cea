"""Weights in memory: read once, into blocks that are used again, exactly as the library would have loaded them."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from bullpen_worker import machine
from bullpen_worker.engines.base import ModelSpec
from bullpen_worker.engines.torch.activation import activate
from bullpen_worker.engines.torch.arena import Arena
from bullpen_worker.engines.torch.engine import TorchEngine
from bullpen_worker.engines.torch.memory import DeviceMemory
from bullpen_worker.engines.torch.model_files import inspect_folder
from bullpen_worker.engines.torch.staging import overlapping
from bullpen_worker.engines.torch.weight_files import (
    Entry,
    WeightFile,
    layout,
    places_for,
    read_head,
    read_into,
    runs_of,
    weigh,
)
from bullpen_worker.failures import WorkerError
from bullpen_worker.memory_rules import Placement
from hypothesis import given
from hypothesis import strategies as st

from tests.support.tiny_pipeline import FAMILY
from tests.worker.test_torch_engine import _make

CPU = torch.device("cpu")
MB = 1 << 20


@pytest.fixture(scope="module")
def engine(one_thread: None) -> TorchEngine:
    return TorchEngine("cpu", 1)


def spec(folder: Path) -> ModelSpec:
    return ModelSpec("models/tiny", FAMILY, str(folder))


def test_a_block_is_free_when_its_last_tensor_is_gone(one_thread: None) -> None:
    """A view keeps it; then the next request of about its size gets the same memory, warm."""
    arena = Arena()
    first = arena.take(10 * MB)
    place, view = first.data_ptr(), first[100:200].view(torch.float32)
    del first
    assert arena.warm_bytes() == 0
    del view
    assert arena.warm_bytes() == 10 * MB
    second = arena.take(9 * MB)
    assert second.data_ptr() == place
    assert arena.take(9 * MB).data_ptr() != place
    del second
    assert arena.release() == 20 * MB
    assert arena.warm_bytes() == 0


def test_a_block_is_not_wasted_on_something_small(one_thread: None) -> None:
    """A small model does not hold the memory of a large one."""
    arena = Arena()
    large = arena.take(100 * MB)
    place = large.data_ptr()
    del large
    small = arena.take(MB)
    assert small.data_ptr() != place
    assert arena.warm_bytes() == 100 * MB


@pytest.mark.parametrize("precision", [torch.float32, torch.float16])
def test_activated_networks_are_those_of_the_library(
    engine: TorchEngine, tiny_model: Path, tmp_path: Path, precision: torch.dtype
) -> None:
    """Every parameter and buffer, to the bit, also where files of half precision are held as full."""
    from diffusers import StableDiffusionInstructPix2PixPipeline

    folder = tmp_path / "model"
    pipeline = StableDiffusionInstructPix2PixPipeline.from_pretrained(tiny_model, local_files_only=True)
    pipeline.to(precision).save_pretrained(folder, safe_serialization=True)
    parts = activate(inspect_folder(spec(folder)), torch.float32, CPU, Arena())
    assert parts.keys() == {"unet", "vae", "text_encoder"}
    stock = StableDiffusionInstructPix2PixPipeline.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    for name, network in parts.items():
        expected = getattr(stock, name)
        assert type(network) is type(expected)
        assert not network.training
        ours = {**dict(network.named_parameters()), **dict(network.named_buffers())}
        theirs = {**dict(expected.named_parameters()), **dict(expected.named_buffers())}
        assert ours.keys() == theirs.keys()
        for key, tensor in ours.items():
            assert tensor.dtype == theirs[key].dtype
            assert torch.equal(tensor, theirs[key]), key


def test_what_cannot_be_exact_is_left_to_the_library(tiny_model: Path, tmp_path: Path) -> None:
    """Weights under names that the network does not have, or too few of them, are not guessed at."""
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    vae, text = folder / "vae/diffusion_pytorch_model.safetensors", folder / "text_encoder/model.safetensors"
    save_file({f"old.{name}": tensor for name, tensor in load_file(vae).items()}, vae)
    save_file(dict(list(load_file(text).items())[:-1]), text)
    assert activate(inspect_folder(spec(folder)), torch.float32, CPU, Arena()).keys() == {"unet"}


def test_a_swapped_in_model_uses_the_memory_of_the_one_that_left(engine: TorchEngine, tiny_model: Path) -> None:
    """Until the memory is given back; then nothing is kept."""
    first = engine.load(spec(tiny_model))
    places = {first.pipeline.unet.conv_in.weight.untyped_storage().data_ptr()}
    engine.unload(first)
    del first
    assert engine._arena.warm_bytes() > 0
    second = engine.load(spec(tiny_model))
    assert {second.pipeline.unet.conv_in.weight.untyped_storage().data_ptr()} <= places
    engine.unload(second)
    del second
    engine.recover()
    assert engine._arena.warm_bytes() == 0


def test_a_file_that_ends_early_is_an_error(tmp_path: Path) -> None:
    """Not a tensor with something else in its end."""
    path = tmp_path / "weights"
    path.write_bytes(bytes(100))
    file = WeightFile(path, 50, {"weight": Entry(torch.uint8, (51,), 0, 51)})
    places, size = layout(file, None)
    with pytest.raises(OSError, match="ended early"):
        read_into(file, places, torch.empty(size, dtype=torch.uint8))


def test_tensors_begin_where_processors_like_it(tiny_model: Path) -> None:
    """Files pack them closer; in memory each begins at a multiple of 64, and none overlaps the next."""
    file = read_head(tiny_model / "unet/diffusion_pytorch_model.safetensors")
    for dtype in (None, torch.float64):
        places, size = layout(file, dtype)
        assert all(place % 64 == 0 for place in places.values())
        ends = {name: place + file.entries[name].size(dtype or torch.float32) for name, place in places.items()}
        ordered = sorted(places, key=lambda name: places[name])
        assert all(ends[name] <= places[after] for name, after in pairwise(ordered))
        assert max(ends.values()) <= size


def test_in_main_memory_a_file_lies_as_on_the_disk(tmp_path: Path) -> None:
    """Whole pages are copied onto whole pages, in one piece; where a tensor would begin inside a number, not."""
    path = tmp_path / "weights"
    path.write_bytes(bytes(range(200)))
    entries = {"a": Entry(torch.uint8, (9,), 0, 9), "b": Entry(torch.float32, (4,), 12, 28)}
    file = WeightFile(path, 40, entries)
    places, size = places_for(file, CPU)
    assert (places, size) == ({"a": 40, "b": 52}, 68)
    assert runs_of(file, places) == [(0, 40, 9), (12, 52, 16)]
    memory = torch.zeros(size, dtype=torch.uint8)
    read_into(file, places, memory)
    assert memory[40:49].tolist() == list(range(40, 49))
    assert memory[52:68].tolist() == list(range(52, 68))
    assert places_for(file, torch.device("cuda")) == layout(file, None)
    odd = WeightFile(path, 41, entries)
    assert places_for(odd, CPU) == layout(odd, None)
    side_by_side = WeightFile(path, 40, {"a": Entry(torch.uint8, (8,), 0, 8), "b": Entry(torch.uint8, (8,), 8, 16)})
    assert runs_of(side_by_side, places_for(side_by_side, CPU)[0]) == [(0, 40, 16)]


@given(sizes=st.lists(st.integers(0, 50), max_size=8), buffer=st.integers(1, 40))
def test_buffers_hold_each_byte_once(sizes: list[int], buffer: int) -> None:
    """However a file is cut into buffers, every byte of every tensor goes to its place, once."""
    pieces, begin, place = [], 0, 0
    for size in sizes:
        pieces.append((begin, begin + size, place))
        begin, place = begin + size, place + size + 7
    moved = {}
    for start in range(0, begin, buffer):
        for left, right, to in overlapping(pieces, start, start + buffer):
            assert start <= left < right <= start + buffer
            for offset in range(right - left):
                assert left + offset not in moved
                moved[left + offset] = to + offset
    expected = {left + k: to + k for left, right, to in pieces for k in range(right - left)}
    assert moved == expected


def test_weights_are_weighed_by_their_heads(engine: TorchEngine, tiny_model: Path) -> None:
    """As they will be in memory: the whole is what the loaded pipeline has, but for positions that it computes itself;
    the largest network is the UNet.
    """
    weights = engine.weigh(spec(tiny_model))
    loaded = engine.load(spec(tiny_model))
    assert 0 <= loaded.size_bytes - weights.whole < 1000
    unet = sum(parameter.nbytes for parameter in loaded.pipeline.unet.parameters())
    assert weights.parts == unet
    assert 0 < weights.pieces < unet
    half = weigh(inspect_folder(spec(tiny_model)), torch.float16)
    assert half.whole <= weights.whole // 2 + 10_000
    head = read_head(tiny_model / "unet/diffusion_pytorch_model.safetensors")
    assert head.entries["conv_in.weight"].shape == tuple(loaded.pipeline.unet.conv_in.weight.shape)


def test_work_is_measured_at_its_peak() -> None:
    """Also what was given back before anybody asked."""
    memory = DeviceMemory(CPU)
    memory.watch()
    assert memory.taken() < 32 * MB
    block = torch.ones(64 * MB, dtype=torch.uint8)
    del block
    assert 60 * MB <= memory.taken() < 128 * MB
    assert memory.free() > 0


def test_a_group_with_a_limit_has_what_is_left_of_it(tmp_path: Path) -> None:
    """In a container the machine's memory is not one's own; page cache that can be given up counts as free."""
    assert machine._group_room(tmp_path) is None
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 150\n")
    assert machine._group_room(tmp_path) is None
    (tmp_path / "memory.max").write_text("1000\n")
    assert machine._group_room(tmp_path) == 450


def test_a_model_in_parts_gives_the_same_picture(engine: TorchEngine, tiny_model: Path, picture: Path) -> None:
    """Its networks come one at a time; what was encoded is remembered without bringing any; unloaded, it is empty."""
    whole = engine.load(spec(tiny_model))
    expected = _make(engine, whole, picture, scale=5.0).rgb
    parts = engine.load(spec(tiny_model), Placement.PARTS)
    assert parts.size_bytes == engine.weigh(spec(tiny_model)).parts < whole.size_bytes
    assert _make(engine, parts, picture, scale=5.0).rgb == expected
    engine.rest(parts)
    hits = parts.remembered.hits
    assert _make(engine, parts, picture, scale=5.0).rgb == expected
    assert parts.remembered.hits == hits + 3
    engine.unload(parts)
    assert all(parameter.is_meta for parameter in parts.pipeline.unet.parameters())


def test_a_model_that_comes_back_is_only_filled(engine: TorchEngine, tiny_model: Path, picture: Path) -> None:
    """Its networks are the same objects, its picture the same to the bit; another model of its name is built anew."""
    known = ModelSpec("models/tiny", FAMILY, str(tiny_model), digest="one")
    first = engine.load(known)
    expected = _make(engine, first, picture, scale=5.0).rgb
    network = first.pipeline.unet
    engine.unload(first)
    assert network.conv_in.weight.is_meta
    again = engine.load(known)
    assert again.pipeline.unet is network
    assert _make(engine, again, picture, scale=5.0).rgb == expected
    engine.unload(again)
    other = engine.load(ModelSpec("models/tiny", FAMILY, str(tiny_model), digest="two"))
    assert other.pipeline.unet is not network
    assert _make(engine, other, picture, scale=5.0).rgb == expected


def test_a_model_that_came_back_changed_is_refused(engine: TorchEngine, tiny_model: Path, tmp_path: Path) -> None:
    """What was kept of it does not hide that a file is not what was checked."""
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    known = ModelSpec("models/tiny", FAMILY, str(folder), digest="three")
    engine.unload(engine.load(known))
    (folder / "unet/diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(WorkerError) as refused:
        engine.load(known)
    assert refused.value.reason == "MODEL_CORRUPT"
