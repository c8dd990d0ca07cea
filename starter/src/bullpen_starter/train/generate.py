"""Text-to-image: a sibling of the edit network without a source, trained as ordinary diffusion.

It sees the panels with a sentence that describes each, and one time in ten no sentence at all, so that guidance works.
Sampled by the stock `StableDiffusionPipeline`.
"""

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline
from torch.nn import functional
from transformers import CLIPTextModel, CLIPTokenizer

from bullpen_starter.captions import describe
from bullpen_starter.render import SKETCH, PanelSpec
from bullpen_starter.render.spec import SCENES, STYLES, TIMES, WEATHERS
from bullpen_starter.train import data, evaluate, tagger, unet
from bullpen_starter.train.clock import Average, Budget
from bullpen_starter.train.examples import rows_of
from bullpen_starter.train.packing import pack, write
from bullpen_starter.train.painters import averaged
from bullpen_starter.train.sampling import Steps
from bullpen_starter.train.say import say
from bullpen_starter.train.text import Words
from bullpen_starter.train.vae import CHANNELS, to_tensor

NAME = "starter-text"
BATCH = {"cpu": 16, "cuda": 256}
SHOWN = 200
RATE = 8e-4
STEPS, GUIDANCE = 16, 2.5


def train(cache: Path, device: str, minutes: float, resume: bool) -> None:
    """Train by the clock; writes `generate.pt` under `cache` every two minutes and at the end."""
    torch.manual_seed(7)
    batch = BATCH.get(device, BATCH["cuda"])
    words, path = Words(cache, device), Steps(device)
    _, specs, _ = data.load(cache, "train")
    drawn = [number for number, spec in enumerate(specs) if spec.style != SKETCH]
    tokens, rows = rows_of([describe(specs[number]) for number in drawn], words)
    shown, said, silence = torch.tensor(drawn), torch.tensor(rows), words.tokens([""])
    latents = torch.from_numpy(np.load(cache / "train.latents.npy")).to(device)
    net = unet.build(CHANNELS).to(device, memory_format=torch.channels_last)
    average = Average(net, 0.998)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    state, used, step = cache / "generate.pt", 0.0, 0
    if resume and state.exists():
        saved = torch.load(state, weights_only=True, map_location=device)
        net.load_state_dict(saved["net"])
        optimiser.load_state_dict(saved["optimiser"])
        average.values, used, step = saved["average"], saved["used"], saved["steps"]
    budget, total, kept = Budget(minutes, used), torch.zeros((), device=device), used
    while budget.share < 1:
        for group in optimiser.param_groups:
            group["lr"] = RATE * budget.rate()
        picks = torch.randint(len(shown), (batch,))
        clean = latents[shown[picks].to(device)].float()
        silent = torch.rand(batch, 1, device=device) < 0.1
        said_now = torch.where(silent, silence, tokens[said[picks].to(device)])
        at = torch.randint(0, 1000, (batch,), device=device)
        at = torch.where(torch.rand(batch, device=device) < 0.1, 999, at)
        noisy = path.noised(clean, torch.randn_like(clean), at)
        with torch.autocast(torch.device(device).type, torch.bfloat16), unet.attention(device):
            model_input = noisy.contiguous(memory_format=torch.channels_last)
            out = net(model_input, at, encoder_hidden_states=words.embed(said_now)).sample
        loss = functional.mse_loss(out.float(), clean)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        average.update(net)
        step += 1
        total += loss.detach()
        if step % SHOWN == 0:
            say(f"generate {budget.seconds / 60:.1f} min, {step} steps, loss {float(total) / SHOWN:.3f}")
            total.zero_()
        if budget.seconds - kept > 120 or budget.share >= 1:
            kept = budget.seconds
            torch.save(
                {
                    "net": net.state_dict(),
                    "average": average.values,
                    "optimiser": optimiser.state_dict(),
                    "used": kept,
                    "steps": step,
                    "batch": batch,
                    "device": device,
                },
                state,
            )


def pipeline(cache: Path) -> StableDiffusionPipeline:
    """The stock pipeline from the checkpoints under `cache`, in fp32."""
    pipe = StableDiffusionPipeline(
        vae=AutoencoderKL.from_pretrained(cache / "vae"),
        text_encoder=CLIPTextModel.from_pretrained(cache / "text_encoder"),
        tokenizer=CLIPTokenizer.from_pretrained(cache / "tokenizer"),
        unet=averaged(cache, "generate"),
        scheduler=unet.scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def wishes(count: int = 48) -> list[PanelSpec]:
    """Panels to ask for: every place, style, time and weather in turn, every second one with somebody in it."""
    random, specs = Random(70), []
    for number in range(count):
        style, time, weather = STYLES[number % 6], TIMES[(number // 2) % 4], WEATHERS[(number // 3) % 5]
        who = data.cast(random, (1, 0, 0)) if number % 2 else ()
        specs.append(PanelSpec(SCENES[number % len(SCENES)], 0, style, time, weather, who))
    return specs


def measure(cache: Path) -> dict[str, Any]:
    """Share of asked-for attributes that the tagger finds, and the time of one picture; prints both."""
    pipe, specs = pipeline(cache), wishes()
    made = []
    for start in range(0, len(specs), 16):
        part = specs[start : start + 16]
        made += pipe(
            [describe(spec) for spec in part],
            num_inference_steps=STEPS,
            guidance_scale=GUIDANCE,
            generator=[torch.Generator().manual_seed(start + n) for n in range(len(part))],
            height=data.SIZE,
            width=data.SIZE,
        ).images
    pictures = to_tensor(np.stack([np.asarray(picture) for picture in made]), "cpu")
    found = tagger.judge(tagger.load(cache, "cpu"), pictures)
    out: dict[str, Any] = {
        name: float(np.mean([tagger.HEADS[name][int(found[name][n])] == getattr(s, name) for n, s in enumerate(specs)]))
        for name in ("scene", "style", "time", "weather")
    }
    out["place"] = float(
        np.mean([evaluate.stands(found, n, spec.characters) for n, spec in enumerate(specs) if spec.characters])
    )
    say("generate", {name: round(value, 3) for name, value in out.items()})
    return out


def export(cache: Path) -> Path:
    """Write the model folder."""
    pipe, state = pipeline(cache), torch.load(cache / "generate.pt", weights_only=True, map_location="cpu")
    figures = measure(cache)
    place = "two CPU cores" if state["device"] == "cpu" else "one GPU"
    shown = "\n".join(f"| {name} | {100 * value:.0f} % |" for name, value in figures.items())
    card = f"""# {NAME}

Text-to-image for comic panels of 128 by 128 pixels: a sibling of `starter-edit` without a source picture.
`StableDiffusionPipeline` of diffusers, unchanged; {STEPS} steps, guidance {GUIDANCE}.

- **Asks it understands**: "A panel of a pier in noir style at dusk, rain, a woman with red hair in
  a yellow coat on the left."
- **Data**: renders of `bullpen_starter.render` only, with a sentence that describes each. Apache-2.0.
- **Training**: {state["steps"]} steps of {state["batch"]}, {state["used"] / 60:.0f} minutes on {place}.

| asked for, found by the tagger in {len(wishes())} pictures | |
|---|---|
{shown}

It paints places from memory, so lines are soft and composition is loose; for clean pages begin with a sketch.
"""

    defaults = {"steps": STEPS, "guidance_scale": GUIDANCE, "width": data.SIZE, "height": data.SIZE}
    about = {
        "title": "Starter text-to-image",
        "family": "stable-diffusion",
        "pipeline": "StableDiffusionPipeline",
        "capabilities": ["text_to_image"],
        "defaults": defaults,
        "training": {
            "steps": state["steps"],
            "batch": state["batch"],
            "device": state["device"],
            "minutes": round(state["used"] / 60, 1),
            "seed": 7,
        },
        "metrics": figures,
    }
    return pack(NAME, lambda folder: write(pipe, folder), about, card)
