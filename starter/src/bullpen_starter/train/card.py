"""The model card, written from the measured figures."""

from typing import Any

_INTRO = """# starter-edit

A very small instruction editor for comic panels, 128 by 128 pixels. It exists so that Bullpen makes a real comic on a
machine with neither GPU nor network: the weights are trained, and they are loaded and sampled as large ones are.
It is not a model of pictures in general: it knows the panels of one renderer.

- **Layout**: `StableDiffusionInstructPix2PixPipeline` of diffusers, unchanged. AutoencoderKL (4-fold reduction,
  8 latent channels), UNet2DConditionModel (16 input channels, pooled instruction in every block, cross-attention
  at 8 by 8), CLIPTextModel (128 wide, 2 layers), DDIM with sample prediction and zero terminal SNR.
  The weights are fp16 safetensors; run them in fp32 on a CPU.
- **Asks it understands**: style (ink, watercolour, noir, flat), time of day (dawn, day, dusk, night), weather (clear,
  rain, snow, fog), and one hero on the left, in the centre or on the right ("a woman with red hair in a yellow coat").
- **Data**: only renders made by `bullpen_starter.render`, 3 000 layouts of six scene kinds, with the exact answer to
  each edit. No photograph, no drawing by a person, no scraped picture. Layouts from 1 000 000 on were never seen.
- **Licence**: Apache-2.0, weights and data alike.
- **Made by**: the scripts of `bullpen_starter.train`, on two CPU cores that were busy with other work. The encoder
  is linear and written down, not trained. The edit network was resumed several times while its objective (first
  velocity, then sample prediction), the wiring of its noise and its loss weights were being settled; a fresh run of
  `python -m bullpen_starter.train all` follows the settled recipe from the start and will give other bytes.
"""

_LIMITS = """
## Limits

- It knows six places, four styles and ten kinds of change. Any other picture or instruction gives a plausible smear.
- More steps than four bring nothing. Lines are softer than the renderer's, faces are doubtful, and a chain of
  four edits adds up the softness.
- It was not taught to leave things as they are: asked for day on a panel that shows day, it bleaches it.
- Rain, snow and fog are mostly light and tint; single drops and flakes are not drawn. Windows are not lit at night.
- The seed decides the colours of a sketch, and little else: candidates of the time, weather and character stages are
  nearly the same picture, and so are those of the ink and noir styles.
- Words it was not trained on are spelled out in pieces and mostly ignored.
- Guidance above 1 costs three times the work and moves pictures away from the truth; leave it at 1.
"""


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _table(rows: dict[str, dict[str, float]], columns: list[str]) -> str:
    head = "| unseen layouts | " + " | ".join(columns) + " | PSNR |\n" + "|---" * (len(columns) + 2) + "|\n"
    lines = []
    for name, row in rows.items():
        cells = [_percent(row.get(column)) for column in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {row['psnr']:.2f} dB |")
    return head + "\n".join(lines) + "\n"


def card(metrics: dict[str, Any], defaults: dict[str, Any]) -> str:
    """Markdown of the card; without metrics it says that none were taken."""
    out = (
        _INTRO
        + f"\nDefaults: {defaults['default_steps']} steps, guidance {defaults['default_guidance_scale']}.\n"
        + "\n## Figures\n\n"
    )
    if not metrics:
        return out + "Not measured yet: these are interim weights.\n" + _LIMITS
    out += "Share of asked-for edits that a separate classifier, trained on renders only, finds in the result:\n\n"
    out += _table(metrics["table"], metrics["columns"])
    out += "\n`characters` counts an edit only when place, hair and outfit colour are all right. The swapped row asks"
    out += (
        " for something else and still looks for the first ask: it shows how much of the score needs no instruction.\n"
    )
    if "parts" in metrics:
        shown = ", ".join(f"{name} {_percent(value)}" for name, value in metrics["parts"].items())
        out += f"\nHeroes by part: {shown}.\n"
    if "chain" in metrics:
        shown = ", ".join(f"{name} {_percent(value)}" for name, value in metrics["chain"].items())
        out += f"\nAll four stages in a row on the model's own pictures, judged at the end: {shown}.\n"
    out += "\n## Variety between seeds\n\n"
    out += (
        "What an instruction leaves open (colours of a sketch, clouds, lit windows, drops, pose) was tied to the noise"
    )
    out += " in training. Mean absolute difference between two seeds, in levels of 255, beside two true renders:\n\n"
    out += "| stage | model | renders |\n|---|---|---|\n"
    for stage, row in metrics["variety"].items():
        out += f"| {stage} | {row['model']:.1f} | {row['renders']:.1f} |\n"
    out += f"\n{metrics['remark']}\n" if "remark" in metrics else ""
    return out + _LIMITS
