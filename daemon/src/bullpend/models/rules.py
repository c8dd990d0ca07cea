"""Decisions of the models room: which families can do what, and whether a model may be used. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass

from bullpend.errors import BY_REASON, ModelUnsupported
from bullpend.models.model import (
    CONTROLS,
    DEPTH,
    IMG2IMG,
    INPAINT,
    INSTRUCTION_EDIT,
    LORA,
    REFERENCE,
    REFERENCE_ADAPTER,
    STRUCTURE_CONTROL,
    TEXT_TO_IMAGE,
    Model,
    ModelState,
)


@dataclass(frozen=True, slots=True)
class Family:
    """A family of pipelines: its name, what it can do in this version, and its usual sampling. Sizes are pixels.

    `latents` is how many times the VAE's channels its UNet takes: an editing one takes the source's beside the noise,
    an inpainting one also a mask, which is one of `more_channels`. A family without a UNet has 0.
    """

    name: str
    capabilities: tuple[str, ...]
    width: int
    height: int
    steps: int
    guidance_scale: float
    image_guidance_scale: float
    latents: int
    more_channels: int = 0


_EDITS = (IMG2IMG, STRUCTURE_CONTROL, INPAINT, REFERENCE)


# By the `_class_name` of model_index.json. The sampling is that of the pipelines' own documentation.
FAMILIES: dict[str, Family] = {
    "StableDiffusionInstructPix2PixPipeline": Family(
        "instruct-pix2pix", (INSTRUCTION_EDIT,), 512, 512, 20, 7.5, 1.5, latents=2
    ),
    "StableDiffusionPipeline": Family("stable-diffusion", (TEXT_TO_IMAGE, *_EDITS), 512, 512, 50, 7.5, 1.0, latents=1),
    "StableDiffusionImg2ImgPipeline": Family(
        "stable-diffusion", (TEXT_TO_IMAGE, *_EDITS), 512, 512, 50, 7.5, 1.0, latents=1
    ),
    "StableDiffusionInpaintPipeline": Family(
        "stable-diffusion-inpaint", (INPAINT,), 512, 512, 50, 7.5, 1.0, latents=2, more_channels=1
    ),
    "StableDiffusionXLPipeline": Family(
        "stable-diffusion-xl", (TEXT_TO_IMAGE, *_EDITS), 1024, 1024, 50, 5.0, 1.0, latents=1
    ),
    "StableDiffusionXLImg2ImgPipeline": Family(
        "stable-diffusion-xl", (TEXT_TO_IMAGE, *_EDITS), 1024, 1024, 50, 5.0, 1.0, latents=1
    ),
    "StableDiffusionXLInpaintPipeline": Family(
        "stable-diffusion-xl-inpaint", (INPAINT,), 1024, 1024, 50, 7.5, 1.0, latents=2, more_channels=1
    ),
    "FluxPipeline": Family(
        "flux", (TEXT_TO_IMAGE, IMG2IMG, STRUCTURE_CONTROL, INPAINT), 1024, 1024, 28, 3.5, 1.0, latents=0
    ),
    "FluxFillPipeline": Family("flux-fill", (INPAINT,), 1024, 1024, 50, 30.0, 1.0, latents=0),
    "FluxKontextPipeline": Family("flux-kontext", (INSTRUCTION_EDIT,), 1024, 1024, 28, 2.5, 1.0, latents=0),
}

# Classes of ControlNets, by the family that they act on; that of Stable Diffusion is also XL's.
CONTROL_NETS: dict[str, str] = {"ControlNetModel": "stable-diffusion", "FluxControlNetModel": "flux"}

# Families that are no pipelines, by the name that their manifest gives, with all that one of them may be able to do.
KINDS: dict[str, tuple[str, ...]] = {
    "matting": ("cutout",),
    "srvgg": ("upscale",),
    "encoder": ("identity_embedding", "style_embedding"),
    "tagger": ("tag",),
    "lora": (LORA,),
    "controlnet": tuple(CONTROLS.values()),
    "ip-adapter": (REFERENCE_ADAPTER,),
    "depth-estimator": (DEPTH,),
}

# Families that are recognised by name, so that a list can say what a folder holds; none of them runs yet.
RECOGNISED: dict[str, str] = {
    "StableDiffusionXLInstructPix2PixPipeline": "sdxl-instruct-pix2pix",
    "StableDiffusion3Pipeline": "sd3",
    "Flux2Pipeline": "flux2",
    "PixArtAlphaPipeline": "pixart",
    "PixArtSigmaPipeline": "pixart",
    "QwenImagePipeline": "qwen-image",
    "QwenImageEditPipeline": "qwen-image-edit",
}

SCRIPTED = Model(
    name="models/scripted",
    title="Scripted",
    state=ModelState.READY,
    family="scripted",
    licence="Apache-2.0",
    path="",
    size_bytes=0,
    capabilities=(INSTRUCTION_EDIT, TEXT_TO_IMAGE, IMG2IMG, INPAINT),
    default_width=64,
    default_height=64,
    default_steps=4,
    default_guidance_scale=1.0,
    default_image_guidance_scale=1.0,
    engine="scripted",
    digest="scripted",
)


def fits(lora: Model, base: Model) -> bool:
    """Whether a LoRA was trained on this model, by the name that its manifest gives."""
    return (
        base.name == lora.base_model or base.path.rstrip("/").rsplit("/", 1)[-1] == lora.base_model.rsplit("/", 1)[-1]
    )


def fits_beside(companion: Model, base: Model) -> bool:
    """Whether a ControlNet or an IP-Adapter was made for the family of a model, by what both say of themselves."""
    if companion.base_family != base.family:
        return False
    widths = {companion.attention_width, base.attention_width} - {0}
    return len(widths) < 2


def require(model: Model, capability: str = "", field: str = "model") -> Model:
    """The model, if it may be used and can do `capability`; `field` is what named it.

    Raises ModelCorrupt, ModelUnsafe or ModelUnsupported.
    """
    if model.state is not ModelState.READY:
        raise BY_REASON.get(model.refusal, ModelUnsupported)(model.problem, field=field, model=model.name)
    if capability and capability not in model.capabilities:
        can = ", ".join(model.capabilities) or "nothing that this version knows"
        raise ModelUnsupported(
            f"{model.name} cannot do {capability}; it can do: {can}.",
            field=field,
            remedy=f"Choose a model that can: `bullpen models list --capability {capability}`.",
            model=model.name,
            capability=capability,
        )
    return model
