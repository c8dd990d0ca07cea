"""The cards of tagger and encoders, written from their measured figures."""

from collections.abc import Mapping
from typing import Any

_SHARED = """- **Files**: `model.safetensors` (half precision), `model.onnx` (the same values, opset 17, for runtimes
  without torch; input `picture`, first dimension free) and `config.json` (sizes, words, threshold).
- **Data**: only renders made by `bullpen_starter.render`; the layouts of the figures were never trained on.
- **Licence**: Apache-2.0, weights and data alike.
"""

_TAGGER = """# starter-tagger

Says what a comic panel of 128 by 128 pixels shows: style, time of day, weather, kind of scene, and for each of three
places whether somebody stands there and, if so, build, hair, colour, outfit, accessory and skin. It serves automatic
checks and captions, and it is the judge of the starter's edit model: it was trained on true renders only, blurred,
compressed and recoloured a little, so that it judges generated pictures by their content.

- **Layout**: a convolutional trunk, a branch for the panel, and one branch with shared weights for the three places;
  0.6 million parameters. RGB in -1..1. `bullpen_starter.networks.tagger` loads it, `networks.tags` gives words.
"""

_TAGGER_LIMITS = """
## Limits

- It knows the words of one renderer and always answers; a picture from elsewhere gets the nearest words. Styles are
  told by their hatching and dots: with lines of another pitch ink and manga are taken for other styles.
- Characters are looked for at three places, one each. Drawn elsewhere or much smaller, they are missed.
- A sketch shows no time, weather, hair colour, clothes colour or skin; a robot shows no skin. Answers to these mean
  nothing. A robot's `hair` is the colour of its lights.
"""

_IDENTITY = """# starter-identity

Says whether two pictures show the same character: a crop of 64 by 96 pixels in, a unit vector of 96 numbers out. The
dot product of two vectors is their likeness; from the threshold on, the character counts as the same.

- **Layout**: six convolutions and one linear layer, 0.6 million parameters. RGB in -1..1, cut by
  `bullpen_starter.networks.crops` (mask, box, six percent of room around it). `networks.encoder` loads it.
- **Training**: supervised contrastive loss with neighbours that differ in one attribute, and heads that read each
  attribute off the vector, thrown away afterwards. The characters of the figures were never trained on either.
- **Drift**: `(1 - s) / (2 (1 - t))`, at most 1, for likeness s and threshold t; above 0.5 it is somebody else
  (`bullpen_starter.networks.drift`).
"""

_IDENTITY_LIMITS = """
## Limits

- It looks at build, hair, clothes colour, outfit, accessory and skin. Who differs in one of these only may pass for
  the same, as the second table says; attributes missing there did not occur among the pairs.
- It needs colours: sketches were neither trained nor measured. Crops with a second figure in front are weak.
- Faces of other drawings mean little to it. Replace it by a large encoder for other art.
"""

_STYLE = """# starter-style

Says whether two panels are drawn in the same style: a picture of 128 by 128 pixels in, a unit vector of 32 numbers
out. The dot product of two vectors is their likeness; below the threshold the style has drifted. As a reference take
the mean of some panels' vectors, brought to unit length.

- **Layout**: four convolutions, means and spreads over the panel, one linear layer; 0.1 million parameters. RGB in
  -1..1. `bullpen_starter.networks.encoder` loads it.
- **Training**: supervised contrastive loss over the styles, whatever the scene, time, weather and cast.
- **Drift**: `(1 - s) / (2 (1 - t))`, at most 1, for likeness s and threshold t; above 0.5 the style is another
  (`bullpen_starter.networks.drift`).
"""

_STYLE_LIMITS = """
## Limits

- It knows the styles of one renderer. A style that it never saw lands near the most similar one of them.
- Softness counts a little: a blurred ink panel moves towards watercolour.
"""


def _percent(value: float) -> str:
    return "–" if value != value else f"{100 * value:.1f} %"


def _table(rows: Mapping[str, Mapping[str, float]], corner: str) -> str:
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    lines = [f"| {corner} | " + " | ".join(name.replace("_", " ") for name in names), "|---" * (len(names) + 1)]
    for row, values in rows.items():
        lines.append(f"| {row} | " + " | ".join(_percent(values.get(name, float("nan"))) for name in names))
    return " |\n".join(lines) + " |\n"


def _remark(metrics: Mapping[str, Any]) -> str:
    return f"\n{metrics['remark']}\n" if "remark" in metrics else ""


def tagger_card(metrics: Mapping[str, Any]) -> str:
    """Markdown of the tagger's card; a `remark` among the metrics is told below the table."""
    rows = {name: row for name, row in metrics.items() if isinstance(row, dict)}
    return (
        f"{_TAGGER}{_SHARED}\n## Measured\n\nShare of right answers on {metrics['panels']} panels, where the attribute"
        f" is shown:\n\n{_table(rows, 'held-out panels')}{_remark(metrics)}{_TAGGER_LIMITS}"
    )


def identity_card(metrics: Mapping[str, Any]) -> str:
    """Markdown of the identity encoder's card."""
    wrong = {"false accept": metrics["false_accept_by_attribute"]}
    return (
        f"{_IDENTITY}{_SHARED}\n## Measured\n\nThreshold {metrics['threshold']:.4f}, the best F1 on validation"
        f" characters. Pairs out of {metrics['crops']} crops of {metrics['characters']} other characters, over all"
        f" styles, times and weathers, as many same as different:\n\n{_table(metrics['table'], 'pairs')}\n"
        f"Pairs that differ in one attribute only, by that attribute:\n\n{_table(wrong, 'taken for the same')}"
        f"{_remark(metrics)}{_IDENTITY_LIMITS}"
    )


def style_card(metrics: Mapping[str, Any]) -> str:
    """Markdown of the style encoder's card."""
    near = {"own style nearest": metrics["nearest"]}
    return (
        f"{_STYLE}{_SHARED}\n## Measured\n\nThreshold {metrics['threshold']:.4f}, the best F1 on validation panels."
        f" Pairs out of {metrics['panels']} held-out panels, as many same as different:\n\n"
        f"{_table(metrics['table'], 'pairs')}\nShare of panels nearest to the mean of their own style:\n\n"
        f"{_table(near, '')}{_STYLE_LIMITS}"
    )
