"""The card of the upscaler, written from its measured figures."""

from typing import Any

_INTRO = """# starter-upscale

Two small networks that enlarge comic panels 4 and 2 times. They exist so that Bullpen makes pages of readable size on
a machine with neither GPU nor network. They know the lines, hatching and screens of one renderer.

- **Layout**: SRVGGNetCompact, the compact ESRGAN family: 32 channels, 12 convolutions, PReLU, pixel shuffle, added to
  the picture enlarged by repetition; about 0.13 million parameters each. RGB in 0..1, to be clipped.
- **Files**: `upscale-4x.onnx`, `upscale-2x.onnx` (opset 17, fp32, any height and width; input `input`, output
  `output`) for onnxruntime, and the same weights as `.safetensors` with the family's names, for spandrel's
  `ModelLoader().load_from_file`.
- **Large pictures**: in tiles that overlap by 14 pixels (of the small picture) the result equals the undivided one.
- **Data**: only renders made by `bullpen_starter.render`, 512 pixels wide, made small by area or bicubic, half of them
  with a little blur, noise or JPEG.
- **Licence**: Apache-2.0, weights and data alike.
- **Made by**: `bullpen_starter.train.upscaler`, on one CPU core.
"""

_LIMITS = """
## Limits

- It was trained to be near the true picture, not to please: it draws no texture that is not there, and fine hatching
  that the small picture has lost stays lost.
- Photographs and paintings are not what it was trained on, and were not tried.
- A panel drawn small by the renderer is another drawing than the same panel drawn large (lines, screens and drops
  keep a least width), so enlarging it does not give the large one: there bicubic is nearer by a little, see the
  table. What the network adds there is crispness.
"""

_NAMES = {
    "bicubic": "made small by bicubic",
    "area": "made small by area",
    "worn": "made small by bicubic, with light blur, noise or JPEG",
    "rendered": "drawn small by the renderer",
}


def card(metrics: dict[str, Any]) -> str:
    """Markdown of the card; without metrics it says that none were taken."""
    if not metrics:
        return _INTRO + "\nNo figures were taken of these weights.\n" + _LIMITS
    lines = []
    for scale in (4, 2):
        for key, name in _NAMES.items():
            row = metrics[f"{scale}x_{key}"]
            cells = f"{row['psnr']:.2f} dB | {row['bicubic']:.2f} dB | {row['gain']:+.2f} dB"
            lines.append(f"| {scale}× | {name} | {cells} |\n")
    styles = metrics["psnr_gain_4x_by_style"]
    gains = "".join(
        f"| {style} | {gain:+.2f} dB | {metrics['psnr_gain_2x_by_style'][style]:+.2f} dB |\n"
        for style, gain in styles.items()
    )
    return (
        _INTRO
        + f"\n## Measured\n\nOn {metrics['panels']} panels of layouts never trained on, all styles, against the panel "
        "drawn at 512 pixels; PSNR over RGB.\n\n| | small picture | network | bicubic | gain |\n|---|---|---|---|---|\n"
        + "".join(lines)
        + f"\nGain by style (made small by bicubic):\n\n| style | 4× | 2× |\n|---|---|---|\n{gains}\n"
        f"Tiles against undivided: largest difference {metrics['seam_4x']:.1e} (4×), "
        f"{metrics['seam_2x']:.1e} (2×), of 1.\n" + _LIMITS
    )
