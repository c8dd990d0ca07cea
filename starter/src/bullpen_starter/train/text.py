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
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from bullpen_starter.captions import PHRASINGS, STAGES, SYNONYMS, VALUES, Edit, sample
from bullpen_starter.render import BUILDS, COLOURS, HAIRS, OUTFITS, PLACES, STYLES, TIMES, WEATHERS, Character
from bullpen_starter.train.clock import Budget
from bullpen_starter.train.say import say

LENGTH = 32
WIDTH = 128
HEADS: dict[str, tuple[str, ...]] = {
    "stage": STAGES,
    "style": STYLES,
    "time": TIMES,
    "weather": WEATHERS,
    "build": BUILDS,
    "hair": HAIRS,
    "colour": COLOURS,
    "outfit": OUTFITS,
    "place": PLACES,
}
ASIDES = (
    "Keep the lines clean.",
    "Keep everything else as it is.",
    "The story goes on in the harbour town.",
    "Bold shapes and quiet light.",
    "Same camera, same street.",
)


def _words() -> list[str]:
    texts = [sentence for phrases in PHRASINGS.values() for sentence in phrases]
    texts += [word for words in SYNONYMS.values() for word in words]
    texts += [str(Character(b, h, c, o)) for b, h, c, o in product(BUILDS, HAIRS, COLOURS, OUTFITS)]
    texts += [*ASIDES]
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
    """Ids of shape (n, 32), padded and cut as the pipeline does it."""
    batch = words(texts, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt")
    ids: Tensor = batch.input_ids
    return ids


def random_edit(random: Random) -> Edit:
    """Any edit; every second one a hero, since heroes carry the most words."""
    if random.random() < 0.5:
        pick = random.choice
        return Edit("characters", Character(pick(BUILDS), pick(HAIRS), pick(COLOURS), pick(OUTFITS), pick(PLACES)))
    stage = random.choice(STAGES[:3])
    return Edit(stage, random.choice(VALUES[stage]))


def targets(edit: Edit) -> dict[str, int]:
    """Class numbers of an edit; -100 (ignored) where it says nothing."""
    out = dict.fromkeys(HEADS, -100)
    out["stage"] = STAGES.index(edit.stage)
    if isinstance(edit.value, Character):
        for name in ("build", "hair", "colour", "outfit", "place"):
            out[name] = HEADS[name].index(getattr(edit.value, name))
    else:
        out[edit.stage] = HEADS[edit.stage].index(edit.value)
    return out


def train(cache: Path, minutes: float = 1.5) -> None:
    """Train on attribute questions and write `tokenizer/` and `text_encoder/` under `cache`."""
    torch.manual_seed(2)
    random = Random(2)
    words = tokenizer()
    model = build(words)
    with torch.no_grad():
        model.get_input_embeddings().weight.normal_(0, 0.2)
    heads = nn.ModuleDict({name: nn.Linear(WIDTH, len(values)) for name, values in HEADS.items()})
    optimiser = torch.optim.AdamW([*model.parameters(), *heads.parameters()], lr=1e-3, weight_decay=0.01)
    budget, step = Budget(minutes), 0
    right: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    while budget.share < 1:
        for group in optimiser.param_groups:
            group["lr"] = 1e-3 * budget.rate()
        edits = [random_edit(random) for _ in range(96)]
        texts = [sample(edit, random) for edit in edits]
        texts = [text + " " + random.choice(ASIDES) if random.random() < 0.15 else text for text in texts]
        pooled = model(token_ids(words, texts)).last_hidden_state.mean(dim=1)
        answers = [targets(edit) for edit in edits]
        loss = torch.zeros(())
        for name, head in heads.items():
            wanted = torch.tensor([answer[name] for answer in answers])
            logits = head(pooled)
            loss = loss + nn.functional.cross_entropy(logits, wanted, label_smoothing=0.05)
            if budget.share > 0.9:
                right[name] += int((logits.argmax(1) == wanted).sum())
                asked[name] += int((wanted >= 0).sum())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        step += 1
    say(f"text: {step} steps, loss {loss.item():.3f}", {name: round(right[name] / asked[name], 3) for name in HEADS})
    model.save_pretrained(cache / "text_encoder")
    words.save_pretrained(cache / "tokenizer")


class Embeddings:
    """Frozen embeddings of instructions, computed once each: `(texts) -> (n, 32, 128)`."""

    def __init__(self, cache: Path, device: str) -> None:
        self._words = CLIPTokenizer.from_pretrained(cache / "tokenizer")
        self._model = CLIPTextModel.from_pretrained(cache / "text_encoder").eval()
        self._device = device
        self._known: dict[str, Tensor] = {}

    @torch.no_grad()
    def __call__(self, texts: list[str]) -> Tensor:
        """Hidden states (n, 32, 128) of the texts."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            states = self._model(token_ids(self._words, new)).last_hidden_state
            self._known.update(zip(new, states, strict=True))
        return torch.stack([self._known[text] for text in texts]).to(self._device)
