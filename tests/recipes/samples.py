"""Texts as other programs leave them in their pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bullpend.errors import RecipeInvalid

A1111 = """a pier at night, (rain:1.2), <lora:mara:0.8>, ink
second line
Negative prompt: blurry, text
Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 4105123456, Size: 512x768, Model hash: \
6ce0161689, Model: v1-5-pruned-emaonly, Denoising strength: 0.45, Clip skip: 2, Lora hashes: "mara: 77b0aa11c2d3", \
Version: v1.10.1"""


def graph(**changes: Any) -> dict[str, Any]:
    """ComfyUI's own example graph with a LoRA and a second pass; `changes` are inputs of the first sampler."""
    sampler = {
        "seed": 156680208700286,
        "steps": 20,
        "cfg": 8.0,
        "sampler_name": "euler",
        "scheduler": "karras",
        "denoise": 1.0,
        "model": ["10", 0],
        "positive": ["6", 0],
        "negative": ["7", 0],
        "latent_image": ["5", 0],
    }
    return {
        "3": {"class_type": "KSampler", "inputs": sampler | changes},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sdxl/sd_xl_base_1.0.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a lighthouse, ink", "clip": ["10", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": ["12", 0], "clip": ["10", 1]}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["13", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]}},
        "10": {
            "class_type": "LoraLoader",
            "inputs": {
                "lora_name": "mara.safetensors",
                "strength_model": 0.7,
                "strength_clip": 1.0,
                "model": ["11", 0],
                "clip": ["4", 1],
            },
        },
        "11": {
            "class_type": "LoraLoaderModelOnly",
            "inputs": {"lora_name": "ink.safetensors", "strength_model": 0.3, "model": ["4", 0]},
        },
        "12": {"class_type": "PrimitiveString", "inputs": {"value": "text, watermark"}},
        "13": {
            "class_type": "KSampler",
            "inputs": sampler | {"seed": 1, "denoise": 0.4, "latent_image": ["3", 0]},
        },
    }


def flux() -> dict[str, Any]:
    """A graph whose sampler is split into nodes, as those for Flux are."""
    return {
        "1": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux1-dev.safetensors", "weight_dtype": "default"}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a boat", "clip": ["9", 0]}},
        "3": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["2", 0]}},
        "4": {"class_type": "BasicGuider", "inputs": {"model": ["1", 0], "conditioning": ["3", 0]}},
        "5": {"class_type": "RandomNoise", "inputs": {"noise_seed": 42}},
        "6": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
        "7": {
            "class_type": "BasicScheduler",
            "inputs": {"scheduler": "simple", "steps": 4, "denoise": 1.0, "model": ["1", 0]},
        },
        "8": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 1024, "height": 1024, "batch_size": 1}},
        "9": {"class_type": "DualCLIPLoader", "inputs": {"clip_name1": "t5.safetensors", "type": "flux"}},
        "10": {
            "class_type": "SamplerCustomAdvanced",
            "inputs": {
                "noise": ["5", 0],
                "guider": ["4", 0],
                "sampler": ["6", 0],
                "sigmas": ["7", 0],
                "latent_image": ["8", 0],
            },
        },
        "11": {"class_type": "VAEDecode", "inputs": {"samples": ["10", 0], "vae": ["12", 0]}},
        "12": {"class_type": "VAELoader", "inputs": {"vae_name": "ae.safetensors"}},
        "13": {"class_type": "SaveImage", "inputs": {"images": ["11", 0]}},
    }


def workflow() -> dict[str, Any]:
    """What the editor keeps of a small graph: values by position, a reroute on the way, and a node that is muted."""
    return {
        "version": 0.4,
        "nodes": [
            {"id": 1, "type": "CheckpointLoaderSimple", "inputs": [], "widgets_values": ["anything-v5.safetensors"]},
            {"id": 2, "type": "CLIPTextEncode", "inputs": [{"name": "clip", "link": 2}], "widgets_values": ["a cat"]},
            {"id": 3, "type": "CLIPTextEncode", "inputs": [{"name": "clip", "link": 3}], "widgets_values": ["bad"]},
            {"id": 4, "type": "EmptyLatentImage", "inputs": [], "widgets_values": [640, 448, 1]},
            {
                "id": 5,
                "type": "KSampler",
                "inputs": [
                    {"name": "model", "link": 9},
                    {"name": "positive", "link": 4},
                    {"name": "negative", "link": 5},
                    {"name": "latent_image", "link": 6},
                ],
                "widgets_values": [777, "randomize", 25, 7, "dpmpp_2m", "normal", 1],
            },
            {"id": 6, "type": "VAEDecode", "inputs": [{"name": "samples", "link": 7}]},
            {"id": 7, "type": "SaveImage", "inputs": [{"name": "images", "link": 8}], "widgets_values": ["x"]},
            {"id": 8, "type": "Reroute", "inputs": [{"name": "", "link": 1}]},
            {"id": 9, "type": "KSampler", "mode": 2, "inputs": [], "widgets_values": [1, "fixed", 1, 1, "a", "b", 1]},
        ],
        "links": [
            [1, 1, 0, 8, 0, "MODEL"],
            [2, 1, 1, 2, 0, "CLIP"],
            [3, 1, 1, 3, 0, "CLIP"],
            [4, 2, 0, 5, 1, "CONDITIONING"],
            [5, 3, 0, 5, 2, "CONDITIONING"],
            [6, 4, 0, 5, 3, "LATENT"],
            [7, 5, 0, 6, 0, "LATENT"],
            [8, 6, 0, 7, 0, "IMAGE"],
            [9, 8, 0, 5, 0, "MODEL"],
        ],
    }


def refusal(read: Callable[[], object]) -> str:
    """The field that a reading refuses; "" where it takes everything. Any other exception goes on."""
    try:
        read()
    except RecipeInvalid as error:
        return error.field
    return ""
