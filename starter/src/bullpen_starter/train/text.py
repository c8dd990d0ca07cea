"""The words: a CLIP tokenizer whose vocabulary is the captions, and a small CLIP text encoder that understands them.

The encoder is trained first and alone, to tell every attribute from the mean of its hidden states, and then frozen.
So the picture model meets instructions that are already well apart, and the embeddings can be computed once.
"""

from collections import Counter
from itertools import pairwise, product
from pathlib import Path
from random import Random

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from bullpen_starter.captions import PHRASINGS, STAGES, SYNONYMS, UNHEARD, VALUES, Cast, Edit, describe, sample
from bullpen_starter.render.spec import (
    ACCESSORIES,
    BUILDS,
    COLOURS,
    EXPRESSIONS,
    HAIRS,
    OUTFITS,
    PLACES,
    POSES,
    SCENES,
    SKINS,
    STYLES,
    TIMES,
    WEATHERS,
    Character,
    PanelSpec,
)
from bullpen_starter.train.clock import Budget
from bullpen_starter.train.say import say

LENGTH = 48
WIDTH = 128
DESCRIPTION = "description"
_GLOBAL: dict[str, tuple[str, ...]] = {
    "stage": (*STAGES, DESCRIPTION),
    "style": STYLES,
    "time": TIMES,
    "weather": WEATHERS,
    "scene": SCENES,
}
# Asked for each place: `-` where nobody is put there, or where it is left open.
_LOCAL: dict[str, tuple[str, ...]] = {
    "build": ("-", *BUILDS),
    "hair": HAIRS,
    "colour": COLOURS,
    "outfit": OUTFITS,
    "accessory": ACCESSORIES,
    "skin": SKINS,
    "pose": ("-", *POSES),
    "expression": ("-", *EXPRESSIONS),
}
HEADS = _GLOBAL | {f"{place}.{name}": words for place in PLACES for name, words in _LOCAL.items()}
ASIDES = (
    "Keep the lines clean.",
    "Keep everything else as it is.",
    "The story goes on in the harbour town.",
    "Bold shapes and quiet light.",
    "Same camera, same street.",
)


def _words() -> list[str]:
    texts = [sentence for table in (PHRASINGS, UNHEARD) for phrases in table.values() for sentence in phrases]
    texts += [word for words in SYNONYMS.values() for word in words]
    texts += [str(Character(b, h, c, o)) for b, h, c, o in product(BUILDS, HAIRS, COLOURS, OUTFITS)]
    texts += [*SCENES, *ACCESSORIES, *SKINS, *POSES, *EXPRESSIONS, *ASIDES, "skin and of"]
    clean = " ".join(texts).lower().translate({ord(sign): " " for sign in ".,{}"})
    return sorted(set(clean.split()))


def _byte_letters() -> list[str]:
    """The printable stand-ins for the 256 bytes, in the order of byte-level BPE."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return [chr(byte) for byte in shown] + [chr(256 + i) for i in range(len(hidden))]


def tokenizer() -> CLIPTokenizer:
    """Byte-level BPE in which every word of the captions is one token, and any other text is still spelled out."""
    words = {word: [*word[:-1], word[-1] + "</w>"] for word in _words()}
    merges: list[tuple[str, str]] = []
    while True:
        pairs = Counter(pair for parts in words.values() for pair in pairwise(parts))
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        for parts in words.values():
            i = 0
            while i < len(parts) - 1:
                if (parts[i], parts[i + 1]) == best:
                    parts[i : i + 2] = [parts[i] + parts[i + 1]]
                i += 1
    letters = _byte_letters()
    tokens = [*letters, *(letter + "</w>" for letter in letters), *(a + b for a, b in merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=LENGTH)


def build(words: CLIPTokenizer) -> CLIPTextModel:
    """The untrained encoder: two layers, 128 wide."""
    start, end = words.bos_token_id, words.eos_token_id
    config = CLIPTextConfig(
        vocab_size=len(words),
        hidden_size=WIDTH,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=LENGTH,
        projection_dim=WIDTH,
        bos_token_id=start,
        eos_token_id=end,
        pad_token_id=end,
    )
    return CLIPTextModel(config)


def token_ids(words: CLIPTokenizer, texts: list[str]) -> Tensor:
    """Ids of shape (n, 48), padded and cut as the pipeline does it."""
    batch = words(texts, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt")
    ids: Tensor = batch.input_ids
    return ids


def random_cast(random: Random, least: int = 1) -> Cast:
    """One to three characters at places of their own; pose and expression are said one time in three."""
    places = random.sample(PLACES, random.choices((least, 1, 2, 3), (2, 6, 3, 1))[0])
    pick = random.choice
    cast = []
    for place in places:
        who = Character(pick(BUILDS), pick(HAIRS), pick(COLOURS), pick(OUTFITS), place, pick(ACCESSORIES), pick(SKINS))
        cast.append(who.doing(*(pick(words) if random.random() < 0.33 else None for words in (POSES, EXPRESSIONS))))
    return tuple(cast)


def random_edit(random: Random) -> Edit:
    """Any edit; every second one puts characters, since they carry the most words."""
    if random.random() < 0.5:
        return Edit("characters", random_cast(random))
    stage = random.choice(STAGES[:3])
    return Edit(stage, random.choice(VALUES[stage]))


def _cast_targets(cast: Cast, out: dict[str, int]) -> None:
    for place in PLACES:
        out[f"{place}.build"] = 0
    for who in cast:
        for name, words in _LOCAL.items():
            value = getattr(who, name) or "-"
            if name != "skin" or who.build != "robot":
                out[f"{who.place}.{name}"] = words.index(value)


def targets(edit: Edit) -> dict[str, int]:
    """Class numbers of an edit; -100 (ignored) where it says nothing."""
    out = dict.fromkeys(HEADS, -100)
    out["stage"] = STAGES.index(edit.stage)
    if isinstance(edit.value, str):
        out[edit.stage] = HEADS[edit.stage].index(edit.value)
    else:
        _cast_targets(edit.value, out)
    return out


def random_example(random: Random) -> tuple[str, dict[str, int]]:
    """A sentence and its class numbers: an instruction, or one time in six the description of a panel."""
    if random.random() < 0.85:
        edit = random_edit(random)
        return sample(edit, random), targets(edit)
    pick = random.choice
    cast = random_cast(random, least=0)
    spec = PanelSpec(pick(SCENES), 0, pick(STYLES), pick(TIMES), pick(WEATHERS), cast)
    out = dict.fromkeys(HEADS, -100)
    out["stage"] = len(STAGES)
    for name in ("style", "time", "weather", "scene"):
        out[name] = HEADS[name].index(getattr(spec, name))
    _cast_targets(cast, out)
    return describe(spec), out


def _aside(text: str, random: Random) -> str:
    chance = random.random()
    if chance < 0.1:
        return f"{text} {random.choice(ASIDES)}"
    return f"{random.choice(ASIDES)} {text}" if chance < 0.2 else text


def train(cache: Path, device: str, minutes: float, resume: bool) -> None:
    """Train on attribute questions and write `tokenizer/` and `text_encoder/` under `cache`."""
    torch.manual_seed(2)
    random = Random(2)
    words = tokenizer()
    model = build(words)
    with torch.no_grad():
        model.get_input_embeddings().weight.normal_(0, 0.2)
    heads = nn.ModuleDict({name.replace(".", "_"): nn.Linear(WIDTH, len(values)) for name, values in HEADS.items()})
    state, used, step = cache / "text.pt", 0.0, 0
    if resume and state.exists():
        saved = torch.load(state, weights_only=True, map_location="cpu")
        model.load_state_dict(saved["model"])
        heads.load_state_dict(saved["heads"])
        used, step = saved["used"], saved["step"]
    both = nn.ModuleList([model, heads]).to(device)
    optimiser = torch.optim.AdamW(both.parameters(), lr=2e-3, weight_decay=0.01, fused=True)
    budget = Budget(minutes, used)
    right: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    while budget.share < 1:
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * budget.rate()
        examples = [random_example(random) for _ in range(96)]
        texts = [_aside(text, random) for text, _ in examples]
        with sdpa_kernel(SDPBackend.MATH):
            pooled = model(token_ids(words, texts).to(device)).last_hidden_state.mean(dim=1)
        loss = torch.zeros((), device=device)
        for name, head in zip(HEADS, heads.values(), strict=True):
            wanted = torch.tensor([answer[name] for _, answer in examples], device=device)
            if not bool((wanted >= 0).any()):
                continue
            logits = head(pooled)
            loss = loss + nn.functional.cross_entropy(logits, wanted, label_smoothing=0.05)
            if budget.share > 0.9:
                right[name] += int((logits.argmax(1) == wanted).sum())
                asked[name] += int((wanted >= 0).sum())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(both.parameters(), 1.0)
        optimiser.step()
        step += 1
        if step % 200 == 0:
            say(f"text: {step} steps, {budget.seconds:.0f} s, loss {loss.item():.3f}")
    score = {name: round(right[name] / asked[name], 3) for name in HEADS if asked[name]}
    say(f"text: {step} steps, loss {loss.item():.3f}", score)
    torch.save({"model": model.state_dict(), "heads": heads.state_dict(), "used": budget.seconds, "step": step}, state)
    model.to("cpu").save_pretrained(cache / "text_encoder")
    words.save_pretrained(cache / "tokenizer")


class Words:
    """Sentences as tokens, and tokens as frozen embeddings on a device."""

    def __init__(self, cache: Path, device: str) -> None:
        self._words = CLIPTokenizer.from_pretrained(cache / "tokenizer")
        self._model = CLIPTextModel.from_pretrained(cache / "text_encoder").float().eval().to(device)
        self._device = device

    def tokens(self, texts: list[str]) -> Tensor:
        """Tokens (n, 48), int16, on the device."""
        return token_ids(self._words, texts).short().to(self._device)

    @torch.no_grad()
    def embed(self, tokens: Tensor) -> Tensor:
        """Hidden states (n, 48, 128) of tokens."""
        states: Tensor = self._model(tokens.long()).last_hidden_state
        return states

    def __call__(self, texts: list[str]) -> Tensor:
        """Hidden states (n, 48, 128) of the texts."""
        return self.embed(self.tokens(texts))
