"""Text-to-image: a sibling of the edit network without a source, trained as ordinary diffusion.

It begins with the weights of the edit network, sees the panels with a sentence that describes each, and one time in ten
no sentence at all, so that guidance works. Sampled by the stock `StableDiffusionPipeline`.
"""

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline, UNet2DConditionModel
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import CLIPTextModel, CLIPTokenizer

from bullpen_starter.captions import describe
from bullpen_starter.render import SKETCH, PanelSpec
from bullpen_starter.render.spec import SCENES, STYLES, TIMES, WEATHERS
from bullpen_starter.train import data, edit, evaluate, tagger, unet
from bullpen_starter.train.clock import Average, Budget
from bullpen_starter.train.export import write
from bullpen_starter.train.packing import pack
from bullpen_starter.train.say import say
from bullpen_starter.train.text import Embeddings
from bullpen_starter.train.vae import CHANNELS, to_tensor

NAME = "starter-text"
BATCH = 16
RATE = 8e-4
STEPS, GUIDANCE = 16, 2.5


def _begin(cache: Path) -> UNet2DConditionModel:
    """The edit network without the channels of its source."""
    net, whole = unet.build(CHANNELS), edit.averaged(cache).state_dict()
    whole["conv_in.weight"] = whole["conv_in.weight"][:, :CHANNELS].clone()
    net.load_state_dict(whole)
    return net


def train(cache: Path, device: str, minutes: float, resume: bool) -> None:
    """Train by the clock; writes `generate.pt` under `cache` every two minutes and at the end."""
    torch.manual_seed(7)
    random = Random(7)
    _, specs, _ = data.load(cache, "train")
    shown = [number for number, spec in enumerate(specs) if spec.style != SKETCH]
    latents = torch.from_numpy(np.load(cache / "train.latents.npy", mmap_mode="r"))
    words, path = Embeddings(cache, device), edit.Steps(device)
    net = _begin(cache).to(device, memory_format=torch.channels_last)
    average = Average(net, 0.998)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    state, used, step = cache / "generate.pt", 0.0, 0
    if resume and state.exists():
        saved = torch.load(state, weights_only=True)
        net.load_state_dict(saved["net"])
        optimiser.load_state_dict(saved["optimiser"])
        average.values, used, step = saved["average"], saved["used"], saved["steps"]
    budget, losses, kept = Budget(minutes, used), list[float](), used
    while budget.share < 1:
        for group in optimiser.param_groups:
            group["lr"] = RATE * budget.rate()
        picks = random.sample(shown, BATCH)
        clean = latents[picks].to(device).float()
        texts = ["" if random.random() < 0.1 else describe(specs[number]) for number in picks]
        at = torch.randint(0, 1000, (BATCH,), device=device)
        at[torch.rand(BATCH, device=device) < 0.1] = 999
        shape = (BATCH, 1, 1, 1)
        noise = torch.randn_like(clean)
        noisy = path.signal[at].view(shape) * clean + path.noise[at].view(shape) * noise
        with torch.autocast(torch.device(device).type, torch.bfloat16), sdpa_kernel(SDPBackend.MATH):
            out = net(noisy.contiguous(memory_format=torch.channels_last), at, encoder_hidden_states=words(texts))
        loss = functional.mse_loss(out.sample.float(), clean)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        average.update(net)
        step += 1
        losses.append(float(loss))
        if step % 100 == 0:
            say(f"generate {budget.seconds / 60:.1f} min, {step} steps, loss {np.mean(losses):.3f}")
            losses.clear()
        if budget.seconds - kept > 120 or budget.share >= 1:
            kept = budget.seconds
            torch.save(
                {
                    "net": net.state_dict(),
                    "average": average.values,
                    "optimiser": optimiser.state_dict(),
                    "used": kept,
                    "steps": step,
                },
                state,
            )


def pipeline(cache: Path) -> StableDiffusionPipeline:
    """The stock pipeline from the checkpoints under `cache`, in fp32."""
    net = unet.build(CHANNELS)
    average = torch.load(cache / "generate.pt", weights_only=True)["average"]
    with torch.no_grad():
        for name, p in net.named_parameters():
            p.copy_(average[name])
    pipe = StableDiffusionPipeline(
        vae=AutoencoderKL.from_pretrained(cache / "vae"),
        text_encoder=CLIPTextModel.from_pretrained(cache / "text_encoder"),
        tokenizer=CLIPTokenizer.from_pretrained(cache / "tokenizer"),
        unet=net.eval(),
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
    pipe, state = pipeline(cache), torch.load(cache / "generate.pt", weights_only=True)
    figures = measure(cache)
    shown = "\n".join(f"| {name} | {100 * value:.0f} % |" for name, value in figures.items())
    card = f"""# {NAME}

Text-to-image for comic panels of 128 by 128 pixels: a sibling of `starter-edit` without a source picture.
`StableDiffusionPipeline` of diffusers, unchanged; {STEPS} steps, guidance {GUIDANCE}.

- **Asks it understands**: "A panel of a pier in noir style at dusk, rain, a woman with red hair in
  a yellow coat on the left."
- **Data**: renders of `bullpen_starter.render` only, with a sentence that describes each. Apache-2.0.
- **Training**: {state["steps"]} steps of {BATCH} from the weights of the edit model, {state["used"] / 60:.0f} minutes.

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
        "training": {"steps": state["steps"], "batch": BATCH, "minutes": round(state["used"] / 60, 1), "seed": 7},
        "metrics": figures,
    }
    return pack(NAME, lambda folder: write(pipe, folder), about, card)
