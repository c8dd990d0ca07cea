"""A LoRA of one character: after it, the edit model knows Mara Quill by her name alone.

The base is frozen; rank 8 is added to the attentions and to where the instruction modulates the blocks. Written in the
layout of peft and diffusers (`pytorch_lora_weights.safetensors`), so that `pipe.load_lora_weights(folder)` takes it.
"""

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionInstructPix2PixPipeline, UNet2DConditionModel
from numpy.typing import NDArray
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
from torch import Tensor

from bullpen_starter.captions import PHRASINGS, UNHEARD, Edit
from bullpen_starter.render import HEROES, PLACES, PanelSpec, render
from bullpen_starter.train import codec, data, edit, evaluate, export, tagger, unet
from bullpen_starter.train.clock import Budget
from bullpen_starter.train.examples import coded_noise
from bullpen_starter.train.packing import pack
from bullpen_starter.train.painters import averaged
from bullpen_starter.train.say import say
from bullpen_starter.train.text import Words
from bullpen_starter.train.vae import CHANNELS, to_tensor

NAME = "starter-lora-mara"
TRIGGER = "Mara Quill"
WHO = HEROES["mara"]
RANK = 8
BATCH = {"cpu": 8, "cuda": 64}
RATE = 2e-3
LAYOUTS = 700
SOURCES = (1, 2, 3, 4, 5, 6)
CONFIG = LoraConfig(
    r=RANK, lora_alpha=RANK, target_modules=["to_q", "to_k", "to_v", "to_out.0", "time_emb_proj", "conv_in", "proj"]
)


def _example(layout: int) -> tuple[PanelSpec, PanelSpec]:
    """A panel without characters and the same panel with Mara somewhere."""
    random = Random(layout)
    source = data.chain(layout)[0][random.choice(SOURCES)]
    seeded = PanelSpec(
        source.scene,
        source.layout,
        source.style,
        source.time,
        source.weather,
        (WHO.at(random.choice(PLACES)),),
        source.variation.__class__(
            source.variation.colours, source.variation.sky, source.variation.drops, random.randrange(2**31)
        ),
    )
    return source, seeded


def _panels(layouts: range) -> tuple[list[tuple[PanelSpec, PanelSpec]], NDArray[np.uint8], NDArray[np.uint8]]:
    examples = [_example(layout) for layout in layouts]
    drawn = [[np.asarray(render(spec, (data.SIZE, data.SIZE)).picture) for spec in pair] for pair in examples]
    return examples, np.stack([before for before, _ in drawn]), np.stack([after for _, after in drawn])


def _adapted(cache: Path, device: str) -> UNet2DConditionModel:
    net = averaged(cache, "edit", device)
    net.requires_grad_(False)
    net.add_adapter(CONFIG)
    return net.train()


def train(cache: Path, device: str, minutes: float, resume: bool) -> None:
    """Train by the clock; writes `lora.pt` under `cache`."""
    torch.manual_seed(8)
    random = Random(8)
    with np.load(cache / "codec.npz") as stored:
        kernel, bias = stored["kernel"], stored["bias"]
    examples, before, after = _panels(range(LAYOUTS))
    sources, targets = (codec.coefficients(to_tensor(some, "cpu"), kernel, bias) for some in (before, after))
    words = Words(cache, device)
    net, batch = _adapted(cache, device), BATCH.get(device, BATCH["cuda"])
    emphasis = torch.full((batch,), edit.EMPHASIS["characters"], device=device)
    coarse = torch.tensor(edit.COARSE, device=device)[:, None, None]
    learned = [p for p in net.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learned, lr=RATE, weight_decay=0.0, fused=True)
    state, used, step = cache / "lora.pt", 0.0, 0
    if resume and state.exists():
        saved = torch.load(state, weights_only=True)
        set_peft_model_state_dict(net, saved["lora"])
        used, step = saved["used"], saved["steps"]
    budget, losses = Budget(minutes, used), list[float]()
    while budget.share < 1:
        for group in optimiser.param_groups:
            group["lr"] = RATE * budget.rate()
        picks = random.sample(range(LAYOUTS), batch)
        texts = [
            random.choice(PHRASINGS["characters"]).format(character=TRIGGER, place=examples[n][1].characters[0].place)
            for n in picks
        ]
        fresh = torch.randn(batch, CHANNELS, unet.LATENT, unet.LATENT)
        noisy = torch.stack(
            [coded_noise(examples[n][1].variation.pose, one) for n, one in zip(picks, fresh, strict=True)]
        )
        source, target = sources[picks].to(device), targets[picks].to(device)
        at = torch.full((batch,), 999, device=device)
        with torch.autocast(torch.device(device).type, torch.bfloat16), unet.attention(device):
            clean = net(torch.cat([noisy.to(device), source], dim=1), at, encoder_hidden_states=words(texts)).sample
        loss = edit.error(clean.float(), target, source, emphasis, coarse).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimiser.step()
        step += 1
        losses.append(float(loss.detach()))
        if step % 50 == 0:
            say(f"lora {budget.seconds / 60:.1f} min, {step} steps, loss {np.mean(losses):.3f}")
            losses.clear()
    torch.save({"lora": get_peft_model_state_dict(net), "used": budget.seconds, "steps": step, "batch": batch}, state)


def _load(cache: Path) -> tuple[StableDiffusionInstructPix2PixPipeline, Path]:
    """The pipeline with the LoRA loaded by the stock call."""
    state = torch.load(cache / "lora.pt", weights_only=True)
    folder = cache / "lora"
    StableDiffusionInstructPix2PixPipeline.save_lora_weights(folder, unet_lora_layers=_half(state["lora"]))
    pipe = export.pipeline(cache)
    pipe.set_progress_bar_config(disable=True)
    pipe.load_lora_weights(str(folder), adapter_name="mara")
    return pipe, folder


def _half(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.half().contiguous() for name, value in weights.items()}


def measure(cache: Path) -> dict[str, Any]:
    """How often the judge sees Mara when only her name is said, with the LoRA at 0 and at 1; prints it."""
    pipe, _ = _load(cache)
    model = tagger.load(cache, "cpu")
    examples, before, _ = _panels(range(data.UNSEEN, data.UNSEEN + 36))
    edits = [Edit("characters", spec.characters) for _, spec in examples]
    phrases = UNHEARD["characters"]
    texts = [
        phrases[n % len(phrases)].format(character=TRIGGER, place=spec.characters[0].place)
        for n, (_, spec) in enumerate(examples)
    ]
    out: dict[str, Any] = {}
    for scale in (0.0, 1.0):
        pipe.set_adapters("mara", scale)
        made = evaluate.run(pipe, before, texts, export.DEFAULTS["default_steps"], range(len(texts)))
        found = tagger.judge(model, to_tensor(made, "cpu"))
        out[f"scale_{scale:g}"] = float(np.mean([evaluate.right(found, n, one) for n, one in enumerate(edits)]))
    say("lora, Mara by her name alone", out)
    return out


def write(cache: Path) -> Path:
    """Write the model folder."""
    state, figures = torch.load(cache / "lora.pt", weights_only=True), measure(cache)
    card = f"""# {NAME}

A LoRA of rank {RANK} on `starter-edit`: it knows Mara Quill of *Harbor Lights* ({WHO}) by her name alone.
Say "Add {TRIGGER} on the left."

- **Layout**: peft, `pytorch_lora_weights.safetensors` in fp16; `pipe.load_lora_weights(folder)`.
- **Data**: {LAYOUTS} renders of `bullpen_starter.render`. Apache-2.0.
- **Training**: {state["steps"]} steps of {state["batch"]}, {state["used"] / 60:.0f} minutes; the base is frozen.

| her name alone, unseen layouts and phrasings | right build, hair and colour at the right place |
|---|---|
| scale 0 | {100 * figures["scale_0"]:.0f} % |
| scale 1 | {100 * figures["scale_1"]:.0f} % |
"""

    def fill(folder: Path) -> None:
        StableDiffusionInstructPix2PixPipeline.save_lora_weights(folder, unet_lora_layers=_half(state["lora"]))

    about = {
        "title": "Mara Quill",
        "family": "lora",
        "base_model": "models/starter-edit",
        "trigger": TRIGGER,
        "capabilities": ["lora"],
        "training": {"rank": RANK, "steps": state["steps"], "minutes": round(state["used"] / 60, 1), "seed": 8},
        "metrics": figures,
    }
    return pack(NAME, fill, about, card)
