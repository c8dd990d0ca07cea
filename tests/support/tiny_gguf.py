"""A tiny language model with random weights in one GGUF file, with a vocabulary of its own: `python -m
tests.support.tiny_gguf FILE`.

Byte-level BPE of the kind of GPT-2: every byte is a token, and above them lie pairs that were learned from a text that
comes along, so that words become several tokens and any text can be said. Two layers, 64 wide, half a megabyte. What
it says means nothing; that is what the tests want of it.
"""

from __future__ import annotations

import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import gguf
import numpy as np

WIDTH, HEADS, KEYS = 64, 4, 2
PAIRS = 200
SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
# As models of the ChatML kind have it.
CHATML = (
    "{% for message in messages %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TEXT = (
    "The copilot of the studio looks things up and proposes what is to be done. Nothing happens until the person says "
    'so. {"name": "propose_CreateRun", "arguments": {"spec": {"stage": "style", "scenes": {"all": true}}}} Run a style '
    "lock pass on all six scenes with three candidates each, and ask why panel four failed. The harbour at night, rain "
    "on the pier, and the light that Mara keeps. "
)


def write(
    path: Path,
    *,
    seed: int = 7,
    context: int = 4096,
    template: str | None = CHATML,
    architecture: str = "llama",
    layers: int = 2,
    width: int = WIDTH,
    begins: str = "",
) -> Path:
    """Writes the file; equal arguments give equal bytes. Without a template the file has none.

    With `begins` every answer that is as likely as can be begins with this word, which is a token of its own.
    """
    pairs = _learn(TEXT, PAIRS)
    letters = list(_letters().values())
    words = [begins] if begins else []
    tokens = [*letters, *(left + right for left, right in pairs), *words, *SPECIALS]
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_name("Tiny")
    writer.add_license("Apache-2.0")
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(2 * width)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEYS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    special = [gguf.TokenType.CONTROL] * len(SPECIALS)
    normal = [gguf.TokenType.NORMAL] * (len(letters) + len(pairs))
    writer.add_token_types([*normal, *([gguf.TokenType.USER_DEFINED] * len(words)), *special])
    writer.add_token_merges([f"{left} {right}" for left, right in pairs])
    writer.add_bos_token_id(tokens.index(SPECIALS[0]))
    writer.add_eos_token_id(tokens.index(SPECIALS[2]))
    writer.add_add_bos_token(False)
    if template is not None:
        writer.add_chat_template(template)
    rule = (tokens.index(_letters()[ord("\n")]), tokens.index(begins)) if begins else None
    _add_weights(writer, np.random.default_rng(seed), len(tokens), layers, width, rule)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_weights(
    writer: gguf.GGUFWriter,
    random: np.random.Generator,
    vocabulary: int,
    layers: int,
    width: int,
    rule: tuple[int, int] | None,
) -> None:
    """Random weights. A `rule` of two tokens has the second follow the first: its layers then change nothing."""

    def add(name: str, *shape: int, scale: float = 1.0) -> np.ndarray[Any, Any]:
        made: np.ndarray[Any, Any] = (random.standard_normal(shape) * 0.6 * scale / shape[-1] ** 0.5).astype(np.float32)
        writer.add_tensor(name, made)
        return made

    def add_norm(name: str) -> None:
        writer.add_tensor(name, np.ones(width, dtype=np.float32))

    narrow = width * KEYS // HEADS
    still = 1.0 if rule is None else 0.0
    embedded = add("token_embd.weight", vocabulary, width)
    for layer in range(layers):
        add_norm(f"blk.{layer}.attn_norm.weight")
        add(f"blk.{layer}.attn_q.weight", width, width)
        add(f"blk.{layer}.attn_k.weight", narrow, width)
        add(f"blk.{layer}.attn_v.weight", narrow, width)
        add(f"blk.{layer}.attn_output.weight", width, width, scale=still)
        add_norm(f"blk.{layer}.ffn_norm.weight")
        add(f"blk.{layer}.ffn_gate.weight", 2 * width, width)
        add(f"blk.{layer}.ffn_up.weight", 2 * width, width)
        add(f"blk.{layer}.ffn_down.weight", width, 2 * width, scale=still)
    add_norm("output_norm.weight")
    last = (random.standard_normal((vocabulary, width)) * 0.6 / width**0.5).astype(np.float32)
    if rule is not None:
        last[rule[1]] = 20 * embedded[rule[0]] / np.linalg.norm(embedded[rule[0]])
    writer.add_tensor("output.weight", last)


def _letters() -> dict[int, str]:
    """A letter for each byte, as `bytes_to_unicode` has it.

    Source: https://github.com/openai/gpt-2/blob/master/src/encoder.py.
    """
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    rest = [byte for byte in range(256) if byte not in plain]
    letters = {byte: chr(byte) for byte in plain} | {byte: chr(256 + number) for number, byte in enumerate(rest)}
    return dict(sorted(letters.items()))


def _learn(text: str, count: int) -> list[tuple[str, str]]:
    """The pairs that are joined, the most frequent first."""
    letters = _letters()
    words = Counter(tuple(letters[byte] for byte in word.encode()) for word in text.replace(" ", "\0 ").split("\0"))
    pairs: list[tuple[str, str]] = []
    while len(pairs) < count:
        seen: Counter[tuple[str, str]] = Counter()
        for word, times in words.items():
            for pair in pairwise(word):
                seen[pair] += times
        if not seen:
            break
        best = max(seen, key=lambda pair: (seen[pair], pair))
        pairs.append(best)
        words = Counter({_joined(word, best): times for word, times in words.items()})
    return pairs


def _joined(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    made: list[str] = []
    for part in word:
        if made and (made[-1], part) == pair:
            made[-1] += part
        else:
            made.append(part)
    return tuple(made)


if __name__ == "__main__":
    sys.stdout.write(f"{write(Path(sys.argv[1]))}\n")
