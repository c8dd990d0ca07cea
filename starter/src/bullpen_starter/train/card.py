"""The card of the edit model, written from the measured figures, each beside its target."""

from dataclasses import dataclass
from typing import Any

_INTRO = """# starter-edit

A very small instruction editor for comic panels, 128 by 128 pixels. It exists so that Bullpen makes a real comic on a
machine with neither GPU nor network: the weights are trained, and they are loaded and sampled as large ones are.
It is not a model of pictures in general: it knows the panels of one renderer.

- **Layout**: `StableDiffusionInstructPix2PixPipeline` of diffusers, unchanged. AutoencoderKL (4-fold reduction,
  8 latent channels), UNet2DConditionModel (16 input channels, pooled instruction in every block, cross-attention
  at 16 by 16 and 8 by 8), CLIPTextModel (128 wide, 2 layers), DDIM with sample prediction and zero terminal SNR.
  The weights are fp16 safetensors; run them in fp32 on a CPU.
- **Asks it understands**: style (ink, watercolour, noir, flat, manga, risograph), time of day (dawn, day, dusk, night),
  weather (clear, rain, snow, fog, storm), and one to three characters on the left, in the centre or on the right
  ("a robot with red lights in a green jacket and a scarf, waving").
- **Data**: only renders made by `bullpen_starter.render`, eight kinds of places, with the exact answer to each edit.
  No photograph, no drawing by a person, no scraped picture.
- **Licence**: Apache-2.0, weights and data alike.
"""


_LIMITS = """
## Limits

- It knows eight places, six styles and the changes above. Any other picture or instruction gives a plausible smear.
- Words it was not trained on are spelled out in pieces and mostly ignored.
- It drifts: a change of time or weather may take the style with it, hair is the attribute that is wrong most often, and
  what is small in one stage adds up over four.
- Guidance above 1 costs three times the work and moves pictures away from the truth; leave it at 1.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what is measured, its target, the figure, and whether it is reached."""

    name: str
    target: str
    shown: str
    reached: bool


def _share(name: str, value: float, least: float) -> Row:
    return Row(name, f"≥ {100 * least:.0f} %", f"{100 * value:.0f} %", value >= least)


def rows(metrics: dict[str, Any]) -> list[Row]:
    """The figures of the edit model against their targets."""
    right, pixels = metrics["right"][f"{metrics['steps']} steps"], metrics["pixels"]
    out = []
    for kind in ("sketch", "style", "time", "weather"):
        gain = pixels[kind]["psnr"] - pixels[kind]["unedited"]
        name = "sketch to style" if kind == "sketch" else kind
        shown = f"+{gain:.1f} dB ({pixels[kind]['psnr']:.1f})"
        out.append(Row(f"{name}: PSNR above the unedited picture", "≥ 3 dB", shown, gain >= 3))
    box = pixels["characters"]["box"]
    before = pixels["characters"]["box_unedited"]
    out.append(Row("characters: PSNR inside their box", "≥ 20 dB", f"{box:.1f} dB (unedited {before:.1f})", box >= 20))
    for kind in ("sketch", "style", "time", "weather"):
        name = "sketch to style" if kind == "sketch" else kind
        out.append(_share(f"{name}: the attribute asked for", right[kind], 0.95))
    out.append(_share("characters: the right ones (build, hair, colour, place)", right["characters"], 0.9))
    out.append(_share("characters: the right places", right["place"], 0.95))
    for kind in ("time", "weather", "characters"):
        kept, truth = pixels[kind]["edges"], pixels[kind]["edges_of_truth"]
        shown = f"{kept:.2f} (the exact answer: {truth:.2f})"
        out.append(Row(f"{kind}: edges kept outside of the edit, F1", "≥ 0.85", shown, kept >= 0.85))
    for kind, row in metrics["variety"].items():
        name = "sketch to style" if kind == "sketch" else kind
        shown = f"{row['ratio']:.2f} ({100 * row['all_right']:.0f} %)"
        reached = 0.5 <= row["ratio"] <= 1.5
        out.append(Row(f"{name}: four seeds differ, against renders (all four right)", "0.5–1.5", shown, reached))
    out.append(_share("four stages chained: every attribute right", metrics["chain"]["every"], 0.85))
    out.append(Row("an edit of 20 steps on this CPU", "≤ 2 s", f"{metrics['seconds']:.2f} s", metrics["seconds"] <= 2))
    return out


def table(lines: list[Row]) -> str:
    """Markdown of the rows."""
    head = "| | target | measured | |\n|---|---|---|---|\n"
    return head + "".join(f"| {r.name} | {r.target} | {r.shown} | {'yes' if r.reached else 'no'} |\n" for r in lines)


def _percent(row: dict[str, float], names: list[str]) -> str:
    return " | ".join(f"{100 * row[name]:.0f} %" for name in names)


def _right(metrics: dict[str, Any]) -> str:
    names = ["sketch", "style", "time", "weather", "characters", "place", "build", "hair", "colour", "outfit"]
    names += ["accessory", "skin"]
    head = "| found by the tagger | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 1) + "|\n"
    return head + "".join(f"| {name} | {_percent(row, names)} |\n" for name, row in metrics["right"].items())


def _steps(metrics: dict[str, Any]) -> str:
    names = ["sketch", "style", "time", "weather", "characters"]
    head = "| steps | PSNR | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 2) + "|\n"
    lines = [
        f"| {steps} | {row['psnr']:.2f} dB | {_percent(row, names)} |\n" for steps, row in metrics["by_steps"].items()
    ]
    return head + "".join(lines)


def card(metrics: dict[str, Any], defaults: dict[str, Any], trained: str) -> str:
    """Markdown of the card; without metrics it says that none were taken."""
    sampling = f"\nDefaults: {defaults['default_steps']} steps, guidance {defaults['default_guidance_scale']}.\n"
    out = f"{_INTRO}- **Made by**: {trained}\n{sampling}\n## Figures\n\n"
    if not metrics:
        return out + "Not measured yet: these are interim weights.\n" + _LIMITS
    chain = ", ".join(f"{name} {100 * value:.0f} %" for name, value in metrics["chain"].items())
    return (
        f"{out}On {metrics['layouts']} layouts, with seeds and in phrasings that were never trained on; the judge is"
        f" the tagger, which has seen true renders only.\n\n{table(rows(metrics))}\n{_right(metrics)}\n"
        f"With the noise of the truth, so that what is left open is the same; truth through the codec alone"
        f" {metrics['codec']:.2f} dB:\n\n{_steps(metrics)}\nFour stages chained: {chain}.\n{_LIMITS}"
    )
