"""One language model in memory: its vocabulary, its window, and what of a conversation it holds already."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import llama_cpp

from bullpen_worker.engines.llama import library
from bullpen_worker.failures import WorkerError

# Tokens that are taken in at a time: few enough that a cancel is heard soon, enough to keep the processor busy.
BATCH = 128
_PIECE = 256


@dataclass(frozen=True, slots=True)
class Placing:
    """How a model is loaded: layers on the GPU, tokens of its window (0: as it was trained, `most` at the most)."""

    layers: int
    window: int
    threads: int


class LoadStopped(Exception):
    """Whoever wanted the model wants it no more."""


def facts(path: str) -> dict[str, str]:
    """What the file says of itself; the vocabulary is read, no weight. Raises WorkerError."""
    params = llama_cpp.llama_model_default_params()
    params.vocab_only = True
    model = _open(path, params)
    try:
        return _metadata(model)
    finally:
        llama_cpp.llama_model_free(model)


def _open(path: str, params: Any) -> Any:
    library.lines.clear()
    model = llama_cpp.llama_model_load_from_file(path.encode(), params)
    if not model:
        raise library.why(path, path.rpartition("/")[2])
    return model


def _metadata(model: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for number in range(llama_cpp.llama_model_meta_count(model)):
        key = _text(partial(llama_cpp.llama_model_meta_key_by_index, model, number))
        found[key] = _text(partial(llama_cpp.llama_model_meta_val_str_by_index, model, number))
    return found


def _text(ask: Callable[[Any, int], int]) -> str:
    size = 1024
    buffer = ctypes.create_string_buffer(size)
    needed = ask(buffer, size)
    if needed >= size:
        size = needed + 1
        buffer = ctypes.create_string_buffer(size)
        ask(buffer, size)
    return buffer.value.decode("utf-8", "replace")


class LoadedText:
    """A model that can be asked. Used by the device thread only."""

    def __init__(self, path: str, placing: Placing, progress: Callable[[float], bool]) -> None:
        """`progress` is told 0–1 and says whether to go on. Raises WorkerError, LoadStopped."""
        stopped = False

        def follow(share: float, _: Any) -> bool:
            nonlocal stopped
            stopped = stopped or not progress(share)
            return not stopped

        params = llama_cpp.llama_model_default_params()
        params.n_gpu_layers = placing.layers
        # Not mapped: what is loaded stays loaded, so that loading can be seen and no first word waits for the disk; and
        # a file that is cut short while it is mapped ends the process.
        params.load_mode = llama_cpp.LLAMA_LOAD_MODE_NONE
        params.progress_callback = llama_cpp.llama_progress_callback(follow)
        self._file = path.rpartition("/")[2]
        try:
            self.model = _open(path, params)
        except WorkerError:
            if stopped:
                raise LoadStopped from None
            raise
        self.vocabulary = llama_cpp.llama_model_get_vocab(self.model)
        self.metadata = _metadata(self.model)
        self.context = self._begin(placing)
        self._memory = llama_cpp.llama_get_memory(self.context)
        self.window = int(llama_cpp.llama_n_ctx(self.context))
        self.size = int(llama_cpp.llama_vocab_n_tokens(self.vocabulary))
        # The tokens that the memory holds, in their order.
        self.held: list[int] = []
        self.size_bytes = 0
        self._pieces: dict[int, bytes] = {}
        self._room = (llama_cpp.llama_token * BATCH)()
        self._piece = ctypes.create_string_buffer(_PIECE)

    def _begin(self, placing: Placing) -> Any:
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = placing.window
        params.n_batch = params.n_ubatch = BATCH
        params.n_threads = params.n_threads_batch = placing.threads
        params.no_perf = True
        if not placing.layers:
            # On a processor it is several times slower as soon as the conversation is long.
            params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
        context = llama_cpp.llama_init_from_model(self.model, params)
        if not context:
            llama_cpp.llama_model_free(self.model)
            raise library.why(self._file, self._file)
        return context

    def close(self) -> None:
        """Gives the memory back."""
        if self.context:
            llama_cpp.llama_free(self.context)
            llama_cpp.llama_model_free(self.model)
            self.context = None

    # ---- words ------------------------------------------------------------------------------------------------------

    def tokens(self, text: str, *, special: bool) -> list[int]:
        """The tokens of a text; with `special` its marks of turns become the tokens that they stand for."""
        said = text.encode("utf-8", "replace")
        room = max(16, len(said) + 8)
        made = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(self.vocabulary, said, len(said), made, room, False, special)
        if count < 0:
            made = (llama_cpp.llama_token * -count)()
            count = llama_cpp.llama_tokenize(self.vocabulary, said, len(said), made, -count, False, special)
        return list(made[: max(0, count)])

    def piece(self, token: int) -> bytes:
        """What a token says; nothing for marks of turns."""
        known = self._pieces.get(token)
        if known is None:
            count = llama_cpp.llama_token_to_piece(self.vocabulary, token, self._piece, _PIECE, 0, False)
            known = self._pieces[token] = self._piece.raw[: max(0, count)]
        return known

    def word(self, token: int) -> str:
        """A token as the vocabulary writes it; empty for none."""
        said = llama_cpp.llama_vocab_get_text(self.vocabulary, token) if token >= 0 else b""
        return str((said or b"").decode("utf-8", "replace"))

    def begins(self) -> int:
        """The token that every text begins with; -1 where there is none."""
        add = llama_cpp.llama_vocab_get_add_bos(self.vocabulary)
        return int(llama_cpp.llama_vocab_bos(self.vocabulary)) if add else -1

    def is_end(self, token: int) -> bool:
        """Whether a token ends a turn."""
        return bool(llama_cpp.llama_vocab_is_eog(self.vocabulary, token))

    # ---- thinking ---------------------------------------------------------------------------------------------------

    def keep(self, wanted: Sequence[int]) -> int:
        """Goes back to where the memory agrees with `wanted`; returns how many of its tokens need not be taken in."""
        same = 0
        # The last one is always taken in anew: what comes after it is told then only.
        for held, token in zip(self.held, wanted[:-1], strict=False):
            if held != token:
                break
            same += 1
        if same < len(self.held) and (same == 0 or not llama_cpp.llama_memory_seq_rm(self._memory, 0, same, -1)):
            # Models with a state in place of a memory cannot go back by halves.
            llama_cpp.llama_memory_clear(self._memory, True)
            same = 0
        del self.held[same:]
        return same

    def take(self, tokens: Sequence[int]) -> None:
        """Takes in at most BATCH tokens after those that it holds. Raises WorkerError."""
        count = len(tokens)
        self._room[:count] = tokens
        status = llama_cpp.llama_decode(self.context, llama_cpp.llama_batch_get_one(self._room, count))
        if status:
            self.held.clear()
            llama_cpp.llama_memory_clear(self._memory, True)
            raise WorkerError("ENGINE_FAILED", f"llama.cpp could not go on with {self._file} (status {status}).")
        self.held.extend(tokens)
