"""The card of the cutout model, written from its measured figures."""

from typing import Any

_INTRO = """# starter-cutout

A small matting network: a comic panel in, the alpha of the characters out. It exists so that Bullpen cuts out figures
on a machine with neither GPU nor network. It knows the panels of one renderer and pictures that look like them.

- **Use**: `rembg.new_session("u2net_custom", model_path=".../cutout.onnx")`, unchanged; the folder has to lie below
  `U2NET_HOME`. Input `input` (1, 3, 320, 320) with ImageNet's normalisation, output `output` (1, 1, 320, 320).
- **Layout**: a U-Net of 0.9 million parameters that works on 2 by 2 blocks of pixels; ONNX opset 17, fp32.
- **Empty pictures**: rembg stretches every answer to 0..1. Where no character is found the network sets one pixel, the
  first, to 1, so that the stretch changes nothing: an empty panel comes back as an empty mask with one bright corner
  pixel, not as stretched noise. `post_process_mask=True` of rembg removes that pixel too.
- **Data**: only renders made by `bullpen_starter.render` with their exact masks, also put together anew before other
  backgrounds, roughened by blur, noise, JPEG, other light and the softness of generated pictures.
- **Licence**: Apache-2.0, weights and data alike.
- **Made by**: `bullpen_starter.train.cutout`, on one CPU core.
"""

_LIMITS = """
## Limits

- It cuts out characters of the starter's renderer. People in photographs or in other artists' drawings are not what
  it was trained on; use one of rembg's own networks for them.
- The alpha is made at 320 by 320 pixels whatever the size of the picture; edges of large pictures are softer.
- It does not tell one character from another: all of a panel come out in one mask.
"""


def card(metrics: dict[str, Any]) -> str:
    """Markdown of the card; without metrics it says that none were taken."""
    if not metrics:
        return _INTRO + "\nNo figures were taken of these weights.\n" + _LIMITS
    rows = [
        ("all", metrics["iou"]),
        ("worst tenth", metrics["iou_worst_tenth"]),
        *((style, score) for style, score in metrics["iou_by_style"].items()),
        ("panels of 128 pixels", metrics["iou_at_128"]),
        ("with the softness of generated pictures", metrics["iou_coarse_look"]),
        ("all, marked pixels (alpha above one half)", metrics["iou_of_marked_pixels"]),
    ]
    table = "".join(f"| {name} | {score:.3f} |\n" for name, score in rows)
    return (
        _INTRO
        + f"\n## Measured\n\nThrough rembg, on {metrics['panels']} panels of layouts and characters never trained "
        "on, 256 pixels unless said otherwise; intersection over union of alpha, `sum(min) / sum(max)`.\n\n"
        f"| panels | IoU |\n|---|---|\n{table}\n"
        f"Of {metrics['empty_panels']} panels without characters {100 * metrics['empty_panels_clean']:.0f} % came back "
        f"empty (mean alpha below 0.002); mean alpha over all of them {metrics['empty_panels_mean_alpha']:.5f}.\n"
        + _LIMITS
    )
