"""Reads a graph of ComfyUI as a recipe: from the picture that was saved back to what it was sampled from.

The sampler taken is the one that began with empty latents: of a graph that samples twice, the first pass, which decided
the picture. What the walk meets besides (upscalers, second passes) is told under `others`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from bullpend.errors import RecipeInvalid
from bullpend.recipes.comfygraph import Graph, Link, Node, of_prompt, of_workflow
from bullpend.recipes.model import (
    MOST_LORAS,
    MOST_PROMPT,
    SEEDS,
    Program,
    Told,
    UsedLora,
    number,
    whole,
    words,
)

# Inputs by which a picture goes from node to node, nearest to the sampler last.
_PICTURE = ("images", "image", "pixels", "samples", "latent_image", "latent")
_TEXTS = ("text", "text_g", "text_l", "t5xxl", "clip_l", "prompt", "string", "value")
_SIDES = ("positive", "negative")
_MODELS = ("ckpt_name", "unet_name", "model_name", "gguf_name")
_OUTPUTS = ("SaveImage", "PreviewImage", "SaveImageWebsocket", "Image Save", "SaveAnimatedWEBP")
# Turns words into nothing: what stands behind it does not act.
_NOTHING = "ConditioningZeroOut"
Value = TypeVar("Value")


def read(texts: Mapping[str, str]) -> Told:
    """A recipe of the texts `prompt` and `workflow`, the first that is there. Raises RecipeInvalid."""
    keyword = "prompt" if "prompt" in texts else "workflow"
    graph = of_prompt(texts["prompt"]) if keyword == "prompt" else of_workflow(texts["workflow"])
    samplers = _samplers(graph)
    if not samplers:
        raise RecipeInvalid(
            f"`{keyword}` has no sampler that is known, so it does not tell how the picture was made.", field=keyword
        )
    node = samplers[-1]
    settings = _Settings(graph, node)
    loras, model = _model(graph, node)
    size = _size(graph, node)
    positive, negative = _conditioning(graph, node)
    return Told(
        program=Program.COMFYUI,
        prompt=_text(graph, positive, 0),
        negative_prompt=_text(graph, negative, 1),
        seed=settings.take(("seed", "noise_seed"), lambda value, field: whole(value, field, SEEDS - 1)),
        sampler=settings.take(("sampler_name",), words) or "",
        scheduler=settings.take(("scheduler",), words) or "",
        steps=settings.take(("steps",), lambda value, field: whole(value, field, 10_000)),
        guidance_scale=settings.take(("cfg", "guidance"), number),
        strength=settings.take(("denoise",), lambda value, field: number(value, field, 0.0, 1.0)),
        width=size.get("width"),
        height=size.get("height"),
        model_title=model,
        loras=loras,
        others={"Nodes": str(len(graph)), "Samplers": str(len(samplers))},
    )


def _is_sampler(node: Node) -> bool:
    """A node that turns latents into latents under some conditioning; custom ones have the same inputs."""
    inputs = node.inputs
    seeded = any(name in inputs for name in ("seed", "noise_seed", "noise"))
    return seeded and ("positive" in inputs or "guider" in inputs) and ("latent_image" in inputs or "model" in inputs)


def _samplers(graph: Graph) -> list[Node]:
    """Samplers from the saved picture backwards; without a picture that is saved, all of them as they stand."""
    ends = [key for key, node in graph.items() if node.kind in _OUTPUTS]
    for end in ends:
        met = [node for node in _back(graph, end, _PICTURE) if _is_sampler(node)]
        if met:
            return met
    return [node for node in graph.values() if _is_sampler(node)]


def _back(graph: Graph, start: str, names: tuple[str, ...]) -> Iterator[Node]:
    """Nodes met when the first of these inputs that is linked is followed, each once. Raises RecipeInvalid."""
    seen: set[str] = set()
    key = start
    while key in graph:
        node = graph[key]
        seen.add(key)
        yield node
        name = next((one for one in names if isinstance(node.inputs.get(one), Link)), "")
        if not name:
            return
        key = node.inputs[name].node
        if key in seen:
            raise RecipeInvalid(f"`{node.field(name)}` leads back to where it came from.", field=node.field(name))


class _Settings:
    """A sampler's values: its own, or those of the nodes that newer graphs split off (noise, sigmas, guider)."""

    def __init__(self, graph: Graph, node: Node) -> None:
        self._nodes = [node]
        for part in ("noise", "sampler", "sigmas", "guider"):
            link = node.inputs.get(part)
            self._nodes += list(_back(graph, link.node, ("sigmas", "conditioning"))) if isinstance(link, Link) else []
        # The strength of an embedded guidance is on the way to the words.
        link = node.inputs.get("positive")
        self._nodes += list(_back(graph, link.node, ("conditioning",))) if isinstance(link, Link) else []
        self._graph = graph

    def take(self, names: tuple[str, ...], read: Callable[[Any, str], Value]) -> Value | None:
        """The first of these inputs that has a value."""
        for node in self._nodes:
            for name in names:
                value = _literal(self._graph, node, name)
                if value is not None:
                    return read(value, node.field(name))
        return None


def _literal(graph: Graph, node: Node, name: str) -> Any:
    """An input's value, also where a primitive node holds it; None for none."""
    value = node.inputs.get(name)
    for _ in range(8):
        if not isinstance(value, Link):
            return value
        source = graph.get(value.node)
        if source is None:
            return None
        names = (name, "value", "seed", "number", "int", "float", "string", "text", "Value")
        value = next((source.inputs[one] for one in names if one in source.inputs), None)
    return None


def _model(graph: Graph, sampler: Node) -> tuple[tuple[UsedLora, ...], str]:
    """The LoRAs in the order in which they were put on, and the model's file."""
    start = sampler
    if not isinstance(sampler.inputs.get("model"), Link) and isinstance(sampler.inputs.get("guider"), Link):
        start = graph.get(sampler.inputs["guider"].node, sampler)
    link = start.inputs.get("model")
    loras: list[UsedLora] = []
    if not isinstance(link, Link):
        return (), ""
    for node in _back(graph, link.node, ("model",)):
        if "lora_name" in node.inputs:
            title = words(_literal(graph, node, "lora_name"), node.field("lora_name"))
            scale = _literal(graph, node, "strength_model")
            acts = 1.0 if scale is None else number(scale, node.field("strength_model"), -100.0, 100.0)
            loras.append(UsedLora(title, acts))
            if len(loras) > MOST_LORAS:
                raise RecipeInvalid(f"More than {MOST_LORAS} LoRAs follow each other.", field=node.path)
        for name in _MODELS:
            found = _literal(graph, node, name)
            if isinstance(found, str):
                return tuple(reversed(loras)), words(found, node.field(name))
    return tuple(reversed(loras)), ""


def _size(graph: Graph, sampler: Node) -> dict[str, int]:
    link = next((sampler.inputs[one] for one in ("latent_image", "latent") if one in sampler.inputs), None)
    if not isinstance(link, Link):
        return {}
    for node in _back(graph, link.node, _PICTURE):
        given = {name: _literal(graph, node, name) for name in ("width", "height")}
        if all(value is not None for value in given.values()):
            return {name: whole(value, node.field(name), 1 << 20, 1) for name, value in given.items()}
    return {}


def _conditioning(graph: Graph, sampler: Node) -> tuple[Any, Any]:
    """The links to the words that are wanted, and to those that are not."""
    if "positive" in sampler.inputs:
        return sampler.inputs.get("positive"), sampler.inputs.get("negative")
    guider = sampler.inputs.get("guider")
    node = graph.get(guider.node) if isinstance(guider, Link) else None
    if node is None:
        return None, None
    return node.inputs.get("positive", node.inputs.get("conditioning")), node.inputs.get("negative")


def _text(graph: Graph, link: Any, side: int) -> str:
    """The words behind a conditioning, one after the other where several were put together.

    `side` is 0 for the wanted ones, 1 for the others. A node with both (a ControlNet, say) hands on each at an output
    of its own, the wanted ones first; one that holds both as words is read by the side.
    """
    found: list[str] = []
    turn: list[Any] = [link]
    seen: set[str] = set()
    while turn:
        here = turn.pop(0)
        if not isinstance(here, Link) or here.node not in graph or here.node in seen:
            continue
        seen.add(here.node)
        node = graph[here.node]
        if node.kind == _NOTHING:
            continue
        pair = [node.inputs.get(name) for name in _SIDES]
        if isinstance(pair[0], Link) and isinstance(pair[1], Link):
            turn.append(pair[min(here.output, 1)])
            continue
        if isinstance(pair[side], str):
            found.append(words(pair[side], node.field(_SIDES[side]), MOST_PROMPT))
        own = [value for name in _TEXTS if isinstance(value := _literal(graph, node, name), str) and value.strip()]
        found += [words(one, node.field("text"), MOST_PROMPT) for one in dict.fromkeys(own)]
        turn += [value for name, value in node.inputs.items() if name.startswith("conditioning")]
    return words("\n".join(dict.fromkeys(found)), "prompt", MOST_PROMPT)
