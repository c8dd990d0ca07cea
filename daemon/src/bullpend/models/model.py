"""What the models room knows of a model, without ever opening its weights."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

INSTRUCTION_EDIT = "instruction_edit"
TEXT_TO_IMAGE = "text_to_image"
LORA = "lora"
# Ways to edit, by the names that strategies have in a manifest. The last two need a companion that fits.
IMG2IMG = "img2img"
INPAINT = "inpaint"
STRUCTURE_CONTROL = "structure_control"
REFERENCE = "reference"
# What companions can do: ControlNets by what they were trained on, IP-Adapters, estimators of depth.
CONTROLS = {"line": "control_line", "canny": "control_canny", "depth": "control_depth"}
REFERENCE_ADAPTER = "reference_adapter"
DEPTH = "depth"
# What a language model can do.
CHAT = "chat"


class ModelState(StrEnum):
    """Whether a model can be used; the names are those of bullpen.v1.Model.State."""

    READY = "READY"
    CORRUPT = "CORRUPT"
    UNSUPPORTED = "UNSUPPORTED"


@dataclass(frozen=True, slots=True)
class Language:
    """What the head of a language model's file says; texts are empty and numbers 0 where it does not say.

    `context_length` is in tokens; `quantization` names what most of its weights are kept as, such as `Q4_K`.
    """

    architecture: str
    context_length: int = 0
    chat_template: str = ""
    quantization: str = ""
    parameters: int = 0


@dataclass(frozen=True, slots=True)
class Model:
    """One model.

    `name` is `models/{folder name}`, or the absolute path of a folder that a person named directly. `refusal` is the
    error reason that using it gives ("" for a ready one) and `problem` the sentence that goes with it. `digest` is
    the SHA-256 over the hashes of its weight files; empty until it is known. Sizes are pixels, 0 where a model makes
    no pictures of a size of its own. `base_model` is the name of the model that a LoRA was trained on, and
    `weight_file` its file, which an IP-Adapter has too. `base_family` is the family that a ControlNet or an IP-Adapter
    was made for, and `attention_width` the width of the text that its layers take, as of a model's own: two that differ
    do not fit; 0 where it is not known.
    """

    name: str
    title: str
    state: ModelState
    family: str
    licence: str
    path: str
    size_bytes: int
    capabilities: tuple[str, ...] = ()
    default_width: int = 512
    default_height: int = 512
    default_steps: int = 20
    default_guidance_scale: float = 7.5
    default_image_guidance_scale: float = 1.5
    problem: str = ""
    refusal: str = ""
    engine: str = "torch"
    digest: str = ""
    base_model: str = ""
    weight_file: str = ""
    base_family: str = ""
    attention_width: int = 0
    # Only of a language model.
    language: Language | None = None
