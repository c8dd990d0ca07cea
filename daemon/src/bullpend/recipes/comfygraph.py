"""The node graph of ComfyUI, in the one form that `comfyui.py` walks.

`prompt` is what ComfyUI ran: nodes by id, each with its class and its inputs, an input being a value or a link
`[node id, output]` (`comfy_execution/graph.py`). `workflow` is what its editor drew: a list of nodes with values by
position and a list of links (version 0.4 of the editor's format). Values by position have a name only where the node's
class is known, so a `workflow` tells less; it is read where there is no `prompt`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bullpend.errors import RecipeInvalid

MOST_NODES = 10_000
# A node of the editor that only leads a line around others.
REROUTE = "Reroute"
# What the values of a node mean, in the editor's order; of classes that come with ComfyUI. "" is of the editor alone.
_SAMPLER = ("steps", "cfg", "sampler_name", "scheduler")
WIDGETS: dict[str, tuple[str, ...]] = {
    "KSampler": ("seed", "", *_SAMPLER, "denoise"),
    "KSamplerAdvanced": ("add_noise", "noise_seed", "", *_SAMPLER, "start_at_step", "end_at_step"),
    "SamplerCustom": ("add_noise", "noise_seed", "", "cfg"),
    "RandomNoise": ("noise_seed",),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "CFGGuider": ("cfg",),
    "FluxGuidance": ("guidance",),
    "CLIPTextEncode": ("text",),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "UNETLoader": ("unet_name",),
    "LoraLoader": ("lora_name", "strength_model", "strength_clip"),
    "LoraLoaderModelOnly": ("lora_name", "strength_model"),
    "PrimitiveNode": ("value",),
    "EmptyLatentImage": ("width", "height"),
    "EmptySD3LatentImage": ("width", "height"),
}
_LINE = ("id", "origin_id", "origin_slot")


@dataclass(frozen=True, slots=True)
class Link:
    """An input that comes from another node's output."""

    node: str
    output: int


@dataclass(frozen=True, slots=True)
class Node:
    """One node. `path` is where it stands in its text, for errors; `field` of an input says where that one stands."""

    kind: str
    inputs: Mapping[str, Any]
    path: str
    places: Mapping[str, str] = field(default_factory=dict)

    def field(self, name: str) -> str:
        """The path of an input."""
        return self.places.get(name, f"{self.path}.inputs.{name}")


Graph = Mapping[str, Node]


def load(text: str, keyword: str) -> Any:
    """The JSON of a text. ComfyUI writes `NaN`, which is no JSON; it is read as null. Raises RecipeInvalid."""
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except RecursionError:
        raise RecipeInvalid(f"`{keyword}` is nested too deeply.", field=keyword) from None
    except ValueError as error:
        raise RecipeInvalid(f"`{keyword}` is no JSON: {str(error)[:200]}.", field=keyword) from None


def of_prompt(text: str) -> Graph:
    """The graph of a `prompt`. Raises RecipeInvalid naming the node or input, such as `prompt.3.inputs.model`."""
    content = load(text, "prompt")
    if not isinstance(content, dict):
        raise RecipeInvalid("`prompt` is not an object of nodes.", field="prompt")
    _bounded(len(content), "prompt")
    nodes: dict[str, Node] = {}
    for key, value in content.items():
        path = f"prompt.{key[:40]}"
        inputs = value.get("inputs") if isinstance(value, dict) else None
        kind = value.get("class_type") if isinstance(value, dict) else None
        if not isinstance(inputs, dict) or not isinstance(kind, str):
            raise RecipeInvalid(f"`{path}` is no node: it lacks `class_type` or `inputs`.", field=path)
        nodes[key] = Node(kind, {name: _value(given) for name, given in inputs.items()}, path)
    return _linked(nodes)


def of_workflow(text: str) -> Graph:
    """The graph of a `workflow`. Raises RecipeInvalid naming what is wrong, such as `workflow.nodes[3].type`."""
    content = load(text, "workflow")
    drawn = content.get("nodes") if isinstance(content, dict) else None
    lines = content.get("links", []) if isinstance(content, dict) else None
    if not isinstance(drawn, list) or not isinstance(lines, list):
        raise RecipeInvalid("`workflow` has no list of nodes and links.", field="workflow.nodes")
    _bounded(len(drawn), "workflow.nodes")
    _bounded(len(lines) // 4, "workflow.links")
    links: dict[Any, Link] = {}
    for index, line in enumerate(lines):
        # [id, from node, its output, to node, its input, type], or the same with names in later editors.
        parts = [line.get(name) for name in _LINE] if isinstance(line, dict) else line
        ok = isinstance(parts, list) and len(parts) >= 3 and _is_id(parts[0]) and _is_id(parts[1])
        if not ok or not isinstance(parts[2], int):
            path = f"workflow.links[{index}]"
            raise RecipeInvalid(f"`{path}` is no link.", field=path)
        links[parts[0]] = Link(str(parts[1]), parts[2])
    nodes: dict[str, Node] = {}
    for index, node in enumerate(drawn):
        path = f"workflow.nodes[{index}]"
        if not (isinstance(node, dict) and isinstance(node.get("type"), str) and _is_id(node.get("id"))):
            raise RecipeInvalid(f"`{path}` is no node: it lacks `id` or `type`.", field=path)
        # 2 is "never", 4 is "bypassed": the editor keeps such nodes, and nothing ran them.
        if node.get("mode", 0) in (2, 4):
            continue
        nodes[str(node["id"])] = _drawn(node, path, links)
    return {key: _straight(node, nodes) for key, node in nodes.items() if node.kind != REROUTE}


def _drawn(node: Mapping[str, Any], path: str, links: Mapping[Any, Link]) -> Node:
    inputs: dict[str, Any] = {}
    places: dict[str, str] = {}
    values = node.get("widgets_values")
    if isinstance(values, list):
        for index, (name, value) in enumerate(zip(WIDGETS.get(node["type"], ()), values, strict=False)):
            if name:
                inputs[name], places[name] = value, f"{path}.widgets_values[{index}]"
    elif isinstance(values, dict):
        inputs |= values
    slots = node.get("inputs", [])
    for index, slot in enumerate(slots if isinstance(slots, list) else []):
        if not isinstance(slot, dict) or not isinstance(slot.get("name"), str):
            raise RecipeInvalid(f"`{path}.inputs[{index}]` is no input.", field=f"{path}.inputs[{index}]")
        number = slot.get("link")
        if number is None:
            continue
        places[slot["name"]] = f"{path}.inputs[{index}].link"
        if not _is_id(number) or number not in links:
            raise RecipeInvalid(f"`{path}.inputs[{index}].link` is of no link.", field=f"{path}.inputs[{index}].link")
        inputs[slot["name"]] = links[number]
    return Node(node["type"], inputs, path, places)


def _straight(node: Node, nodes: Mapping[str, Node]) -> Node:
    """The node with links past those that only lead around."""
    inputs = dict(node.inputs)
    for name, value in node.inputs.items():
        for _ in range(64):
            around = nodes.get(value.node) if isinstance(value, Link) else None
            if around is None or around.kind != REROUTE:
                break
            value = next(iter(around.inputs.values()), None)
        inputs[name] = value
    return Node(node.kind, inputs, node.path, node.places)


def _value(given: Any) -> Any:
    """A link where it looks like one, otherwise the value."""
    if isinstance(given, list) and len(given) == 2 and isinstance(given[0], str) and isinstance(given[1], int):
        return Link(given[0], given[1])
    return given


def _is_id(value: object) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool) and len(str(value)[:65]) <= 64


def _bounded(count: int, path: str) -> None:
    if count > MOST_NODES:
        raise RecipeInvalid(f"`{path}` has more than {MOST_NODES} nodes.", field=path)


def _linked(nodes: dict[str, Node]) -> Graph:
    """The graph, once every link of it leads somewhere. Raises RecipeInvalid."""
    for node, name, link in _links(nodes):
        if link.node not in nodes:
            path = node.field(name)
            raise RecipeInvalid(f"`{path}` leads to node {link.node[:40]!r}, which there is not.", field=path)
    return nodes


def _links(nodes: Mapping[str, Node]) -> Iterator[tuple[Node, str, Link]]:
    for node in nodes.values():
        for name, value in node.inputs.items():
            if isinstance(value, Link):
                yield node, name, value
