"""Language models: one GGUF file each, or the first of several that belong together. What its head says, no more.

    models/qwen3-4b-q4_k_m.gguf            a file in a model folder
    models/qwen3--qwen3-4b-q4_k_m.gguf     a file in a folder there, or in an entry of the Hugging Face cache

The name keeps the ending, so that everybody sees what runs it. Whether llama.cpp can really load the file is seen when
it does; what is known to be wrong before is said here.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from bullpend.models.gguf import GgufError, Head, read_head
from bullpend.models.hashes import Mark
from bullpend.models.model import CHAT, Language, Model, ModelState

SUFFIX = ".gguf"
ENGINE = "llama"
_SHARD = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf$", re.IGNORECASE)

# Architectures that llama.cpp runs as language models, of the version that the extra `llama` names.
# Source: LLM_ARCH_NAMES in https://github.com/ggml-org/llama.cpp/blob/master/src/llama-arch.cpp
_RUN = """
llama llama4 deci falcon grok gpt2 gptj gptneox mpt baichuan starcoder refact bloom stablelm qwen qwen2 qwen2moe
qwen2vl qwen3 qwen3moe qwen3next qwen3vl qwen3vlmoe qwen35 qwen35moe phi2 phi3 phimoe plamo plamo2 plamo3 codeshell
orion internlm2 minicpm minicpm3 gemma gemma2 gemma3 gemma3n gemma4 starcoder2 mamba mamba2 jamba falcon-h1 xverse
command-r cohere2 cohere2moe dbrx olmo olmo2 olmoe openelm arctic deepseek deepseek2 deepseek32 deepseek4 chatglm
glm4 glm4moe glm-dsa bitnet jais jais2 nemotron nemotron_h nemotron_h_moe exaone exaone4 exaone-moe rwkv6 rwkv6qwen2
rwkv7 arwkv7 granite granitemoe granitehybrid chameleon plm bailingmoe bailingmoe2 dots1 arcee afmoe ernie4_5
ernie4_5-moe hunyuan-moe hunyuan-dense smollm3 gpt-oss lfm2 lfm2moe smallthinker seed_oss grovemoe apertus
minimax-m2 cogvlm rnd1 pangu-embedded mistral3 mistral4 mimo2 step35 maincoder kimi-linear mellum"""
ARCHITECTURES = frozenset(_RUN.split())
# What else such files hold, for a better sentence.
_OTHERS = {
    "clip": "a picture encoder, which goes beside a language model",
    "bert": "an encoder of texts",
    "nomic-bert": "an encoder of texts",
    "t5encoder": "an encoder of texts",
    "wavtokenizer-dec": "a decoder of sound",
    "diffusion": "a picture model",
    "flux": "a picture model",
    "sd1": "a picture model",
    "sdxl": "a picture model",
}
# Names of what most of the weights are kept as. Source: enum ggml_type, ggml.h
_TYPES = {
    0: "F32",
    1: "F16",
    2: "Q4_0",
    3: "Q4_1",
    6: "Q5_0",
    7: "Q5_1",
    8: "Q8_0",
    10: "Q2_K",
    11: "Q3_K",
    12: "Q4_K",
    13: "Q5_K",
    14: "Q6_K",
    16: "IQ2_XXS",
    17: "IQ2_XS",
    18: "IQ3_XXS",
    19: "IQ1_S",
    20: "IQ4_NL",
    21: "IQ3_S",
    22: "IQ2_S",
    23: "IQ4_XS",
    29: "IQ1_M",
    30: "BF16",
    34: "TQ1_0",
    35: "TQ2_0",
    39: "MXFP4",
}


def is_language(name: str) -> bool:
    """Whether a model is a language model, by its name."""
    return name.lower().endswith(SUFFIX)


def is_file(path: Path) -> bool:
    """Whether a path is the file, or the first file, of a language model."""
    if path.suffix.lower() != SUFFIX or not path.is_file():
        return False
    shard = _SHARD.match(path.name)
    return shard is None or int(shard["number"]) == 1


def title_of(path: Path) -> str:
    """What a file's model is called: its name without a shard's number."""
    shard = _SHARD.match(path.name)
    return f"{shard['stem']}{SUFFIX}" if shard is not None else path.name


def content_files(path: Path) -> list[str]:
    """Names of the files that the model consists of, in their order; they lie beside each other."""
    shard = _SHARD.match(path.name)
    if shard is None:
        return [path.name]
    count = min(int(shard["count"]), 9999)
    return [f"{shard['stem']}-{number:05d}-of-{shard['count']}{path.suffix}" for number in range(1, count + 1)]


@dataclass(frozen=True, slots=True)
class _Seen:
    mark: Mark
    head: Head | None
    problem: str


_seen: dict[str, _Seen] = {}
_lock = threading.Lock()


def describe(path: Path, name: str) -> Model:
    """The model in a file. Never raises for what is in it: a problem becomes the model's state, and names the file."""
    files = [path.parent / file for file in content_files(path)]
    model = Model(
        name=name,
        title=title_of(path),
        state=ModelState.READY,
        family="",
        licence="",
        path=str(path),
        size_bytes=sum(file.stat().st_size for file in files if file.is_file()),
        default_width=0,
        default_height=0,
        default_steps=0,
        engine=ENGINE,
        weight_file=path.name,
    )
    heads = []
    for file in files:
        if not file.is_file():
            return _refused(
                model, "MODEL_CORRUPT", f"{file.name} is missing; the model consists of {len(files)} files."
            )
        head, problem = _head(file)
        if head is None:
            return _refused(model, "MODEL_CORRUPT", f"{file.name} {problem}.")
        heads.append(head)
    return _described(model, path.name, heads)


def _described(model: Model, file: str, heads: list[Head]) -> Model:
    head = heads[0]
    architecture = head.architecture
    model = replace(
        model,
        family=architecture,
        title=head.text("general.name")[:200] or model.title,
        licence=head.text("general.license")[:100],
        language=Language(
            architecture=architecture,
            context_length=head.number("context_length"),
            chat_template=head.text("tokenizer.chat_template"),
            quantization=_TYPES.get(max(heads, key=lambda one: one.parameters).tensor_type, ""),
            parameters=sum(one.parameters for one in heads),
        ),
    )
    if not architecture:
        return _refused(model, "MODEL_CORRUPT", f"{file} does not say which architecture it holds.")
    if architecture not in ARCHITECTURES:
        what = _OTHERS.get(architecture, f"a model of the architecture {architecture[:60]!r}")
        return _refused(model, "MODEL_UNSUPPORTED", f"{file} holds {what}; this version cannot talk with it.")
    if not head.values.get("tokenizer.ggml.model"):
        return _refused(model, "MODEL_UNSUPPORTED", f"{file} holds no vocabulary, so that no text can go in or out.")
    return replace(model, capabilities=(CHAT,))


def _refused(model: Model, reason: str, problem: str) -> Model:
    state = ModelState.CORRUPT if reason == "MODEL_CORRUPT" else ModelState.UNSUPPORTED
    return replace(model, state=state, refusal=reason, problem=problem, capabilities=())


def _head(path: Path) -> tuple[Head | None, str]:
    """The head of a file, or why there is none; read once for each state of the file."""
    try:
        mark = Mark.of(path.stat())
        with _lock:
            seen = _seen.get(str(path))
        if seen is not None and seen.mark == mark:
            return seen.head, seen.problem
        try:
            seen = _Seen(mark, read_head(path), "")
        except GgufError as error:
            seen = _Seen(mark, None, str(error))
    except OSError as error:
        return None, f"cannot be read: {error.strerror}"
    with _lock:
        _seen[str(path)] = seen
    return seen.head, seen.problem
