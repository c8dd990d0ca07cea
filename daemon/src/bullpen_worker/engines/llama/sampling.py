"""Choosing the next token: samplers of llama.cpp in a row, and a grammar that has the last word.

The grammar looks at one token first, the one that would be chosen without it; only where it refuses that one is the
whole vocabulary held against it, which takes milliseconds with a large vocabulary. A token that does not fit is never
chosen: what the grammar rules out is gone before the others choose.
"""

from __future__ import annotations

import ctypes
import secrets
from typing import Any

import llama_cpp
import numpy as np

from bullpen_worker.engines.language import Sampling
from bullpen_worker.engines.llama.loaded import LoadedText
from bullpen_worker.failures import WorkerError

# Tokens that a penalty looks back on, as in llama.cpp's own programs.
LOOK_BACK = 64
_ENTRY = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)], align=True)
_SEEDS = 2**32


class Sampler:
    """Chooses tokens for one answer. Close it at the end."""

    def __init__(self, model: LoadedText, sampling: Sampling) -> None:
        self._model = model
        self._grammar: Any = None
        self._seed = sampling.seed if sampling.seed is not None else secrets.randbelow(_SEEDS)
        self._ids = np.arange(model.size, dtype=np.int32)
        self.sampling = sampling
        self._chain = self._build(0)

    def close(self) -> None:
        """Gives the samplers back."""
        for sampler in (self._chain, self._grammar):
            if sampler:
                llama_cpp.llama_sampler_free(sampler)
        self._chain = self._grammar = None

    def tune(self, sampling: Sampling, made: int) -> None:
        """Chooses otherwise from the next token on; `made` tokens were chosen so far."""
        if sampling == self.sampling:
            return
        if sampling.seed is not None and sampling.seed != self.sampling.seed:
            self._seed = sampling.seed
        self.sampling = sampling
        llama_cpp.llama_sampler_free(self._chain)
        # Another stretch of chance: the same numbers again would repeat what was said.
        self._chain = self._build(made)
        for token in self._model.held[-LOOK_BACK:]:
            llama_cpp.llama_sampler_accept(self._chain, token)

    def constrain(self, grammar: str) -> None:
        """From the next token on only what the grammar's `root` allows. Raises WorkerError for one that is none."""
        self._grammar = llama_cpp.llama_sampler_init_grammar(self._model.vocabulary, grammar.encode(), b"root")
        if not self._grammar:
            raise WorkerError("INTERNAL", "llama.cpp cannot read the grammar of the tools.")

    @property
    def constrained(self) -> bool:
        """Whether a grammar holds."""
        return bool(self._grammar)

    def choose(self) -> int:
        """The next token; it counts as said. Raises WorkerError where the grammar knows no way on."""
        if not self._grammar:
            # Chooses and accepts in one call.
            return int(llama_cpp.llama_sampler_sample(self._chain, self._model.context, -1))
        token = self._pick(self._candidates())
        if not self.allows(token):
            allowed = self._candidates()
            llama_cpp.llama_sampler_apply(self._grammar, ctypes.byref(_array(allowed)))
            allowed = allowed[np.isfinite(allowed["logit"])]
            if not len(allowed):
                raise WorkerError("ENGINE_FAILED", "The model's vocabulary cannot say what the grammar asks for.")
            token = self._pick(allowed)
        self.accept(token)
        return token

    def accept(self, token: int) -> None:
        """A token counts as said; under a grammar only one that it allows."""
        llama_cpp.llama_sampler_accept(self._chain, token)
        if self._grammar:
            llama_cpp.llama_sampler_accept(self._grammar, token)

    # ---- inside -----------------------------------------------------------------------------------------------------

    def _build(self, made: int) -> Any:
        said = self.sampling
        chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        row = []
        if said.repeat_penalty != 1.0:
            penalty = said.repeat_penalty
            row.append(llama_cpp.llama_sampler_init_penalties(self._model.size, LOOK_BACK, penalty, 0.0, 0.0))
        if said.temperature <= 0:
            row.append(llama_cpp.llama_sampler_init_greedy())
        else:
            row.append(llama_cpp.llama_sampler_init_top_k(said.top_k))
            row.append(llama_cpp.llama_sampler_init_top_p(said.top_p, 1))
            row.append(llama_cpp.llama_sampler_init_min_p(said.min_p, 1))
            row.append(llama_cpp.llama_sampler_init_temp(said.temperature))
            row.append(llama_cpp.llama_sampler_init_dist((self._seed + made) % _SEEDS))
        for sampler in row:
            llama_cpp.llama_sampler_chain_add(chain, sampler)
        return chain

    def _candidates(self) -> np.ndarray[Any, Any]:
        logits = llama_cpp.llama_get_logits_ith(self._model.context, -1)
        found = np.zeros(self._model.size, dtype=_ENTRY)
        found["id"] = self._ids
        found["logit"] = np.ctypeslib.as_array(logits, shape=(self._model.size,))
        return found

    def _pick(self, candidates: np.ndarray[Any, Any]) -> int:
        array = _array(candidates)
        llama_cpp.llama_sampler_apply(self._chain, ctypes.byref(array))
        return int(array.data[max(0, array.selected)].id)

    def allows(self, token: int) -> bool:
        """Whether the grammar lets a token follow."""
        one = np.zeros(1, dtype=_ENTRY)
        one["id"], one["logit"] = token, 1.0
        llama_cpp.llama_sampler_apply(self._grammar, ctypes.byref(_array(one)))
        return bool(np.isfinite(one["logit"][0]))


def _array(entries: np.ndarray[Any, Any]) -> Any:
    """Entries as the library takes them; they must outlive it."""
    data = entries.ctypes.data_as(llama_cpp.llama_token_data_p)
    return llama_cpp.llama_token_data_array(data=data, size=len(entries), selected=-1, sorted=False)
