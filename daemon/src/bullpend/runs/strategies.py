"""Which strategy makes a stage's pictures, and why: the first of the stage's that can be done. Pure functions.

A strategy can be done where the model can do it, a companion that it needs is installed and fits the model, and every
picture has what the strategy works with: a place to paint, references to steer by. What was passed over is told with
the reason, so that a person sees what to install; where nothing is left, that is the refusal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bullpend.errors import FieldInvalid, ModelUnsupported
from bullpend.models import model as models
from bullpend.models.model import Model, ModelState
from bullpend.models.rules import FAMILIES, fits_beside, require
from bullpend.runs.manifest import SHARE_SCALE, STRENGTH, Mask, Stage
from bullpend.runs.method import Box, Companion, Given, Inputs, Method
from bullpend.runs.model import Aspect, RunRequest, Strategy
from bullpend.runs.plan import PlanWorld, StyleGuideFacts
from bullpend.runs.sources import Picture

# In the order in which they are preferred: lines hold a drawing best, depth needs a network to see it.
_KINDS = ("line", "canny", "depth")
_STRENGTH = {
    Strategy.IMG2IMG: 0.5,
    Strategy.STRUCTURE_CONTROL: 0.75,
    Strategy.INPAINT: 0.9,
    Strategy.REFERENCE: 0.6,
}
_CONTROL_SCALE, _REFERENCE_SCALE = 0.8, 0.6
# An edit without a hold on the structure beyond this is likely to lose it.
LOSES_STRUCTURE = 0.6
MOST_BOXES = 16
_PROVIDERS = "remote"
# Those that need a network beside the model.
ACCOMPANIED = frozenset({Strategy.STRUCTURE_CONTROL, Strategy.REFERENCE})


@dataclass(frozen=True, slots=True)
class Chosen:
    """A strategy, why it was taken, those that were passed over with why, what it works with, picture by picture."""

    method: Method
    reason: str
    passed_over: tuple[tuple[str, str], ...]
    inputs: tuple[Inputs, ...]
    companions: tuple[Model, ...] = ()


def wanted(request: RunRequest, stage: Stage) -> tuple[Strategy, ...]:
    """The strategies that come into question, the preferred one first. Raises FieldInvalid."""
    if not request.strategy:
        return tuple(Strategy(name) for name in stage.strategies)
    if request.strategy not in set(Strategy):
        known = ", ".join(Strategy)
        raise FieldInvalid(
            f"There is no strategy {request.strategy!r}.", field="strategy", remedy=f"Give one of: {known}."
        )
    return (Strategy(request.strategy),)


def companions(installed: Sequence[Model], base: Model) -> tuple[Model, ...]:
    """The installed networks that may act beside a model, by name."""
    found = [
        model
        for model in installed
        if model.state is ModelState.READY and (models.DEPTH in model.capabilities or fits_beside(model, base))
    ]
    return tuple(sorted(found, key=lambda model: model.name))


def check(request: RunRequest) -> None:
    """What can be refused before the model is looked at. Raises FieldInvalid."""
    for field, value, bounds in (
        ("strength", request.sampling.strength, STRENGTH),
        ("control_scale", request.sampling.control_scale, SHARE_SCALE),
        ("reference_scale", request.sampling.reference_scale, SHARE_SCALE),
    ):
        # Written so that a value that is no number fails too.
        if value is not None and not bounds[0] <= value <= bounds[1]:
            raise FieldInvalid(
                f"sampling.{field} is {value:g}, which is out of its bounds.",
                field=f"sampling.{field}",
                remedy=f"Give {bounds[0]:g} to {bounds[1]:g}, or leave it out.",
            )
    if len(request.boxes) > MOST_BOXES:
        raise FieldInvalid(
            f"{len(request.boxes)} boxes are given.", field="boxes", remedy=f"Give {MOST_BOXES} at most."
        )
    for index, (left, top, right, bottom) in enumerate(request.boxes):
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise FieldInvalid(
                "A box is left, top, right and bottom as shares of the picture, 0 to 1; left is less than right, and "
                "top less than bottom.",
                field=f"boxes[{index}]",
                remedy="Give such a box, as in 0.6,0.2,1,1 for the lower right.",
            )


def choose(
    request: RunRequest,
    stage: Stage,
    model: Model,
    world: PlanWorld,
    pictures: Sequence[Picture],
    guide: StyleGuideFacts | None,
    values: Sequence[Mapping[str, str]],
) -> Chosen:
    """The strategy of a run. `values` are the variables of each picture.

    Raises ModelUnsupported where none can be done, naming what would help; FieldInvalid; what `require` raises.
    """
    require(model)
    asked = wanted(request, stage)
    passed: list[tuple[str, str]] = []
    for strategy in asked:
        attempt = _Attempt(request, stage, model, world, pictures, guide, values)
        found = attempt.of(strategy)
        if isinstance(found, str):
            passed.append((strategy.value, found))
            continue
        made, why = found
        return Chosen(made, _reason(request, model, why, passed), tuple(passed), attempt.inputs, attempt.companions)
    raise _nothing(request, model, world, passed)


@dataclass(slots=True)
class _Attempt:
    """One strategy tried: what it found to work with."""

    request: RunRequest
    stage: Stage
    model: Model
    world: PlanWorld
    pictures: Sequence[Picture]
    guide: StyleGuideFacts | None
    values: Sequence[Mapping[str, str]]
    inputs: tuple[Inputs, ...] = ()
    companions: tuple[Model, ...] = ()

    def of(self, strategy: Strategy) -> tuple[Method, str] | str:
        """The method with what speaks for it, or why it cannot be done."""
        self.inputs = tuple(Inputs() for _ in self.pictures)
        if strategy.value not in self.model.capabilities:
            return f"{self.model.name} cannot do it"
        asked, defaults = self.request.sampling, self.stage.defaults
        strength = _first(asked.strength, defaults.strength, _STRENGTH.get(strategy))
        if self.model.engine == _PROVIDERS:
            strength = None  # nothing of theirs has one
        match strategy:
            case Strategy.STRUCTURE_CONTROL:
                scale = _first(asked.control_scale, defaults.control_scale, _CONTROL_SCALE)
                return self._controlled(Method(strategy, strength, control_scale=scale))
            case Strategy.INPAINT:
                feather = self.stage.mask.feather if self.stage.mask is not None else 0.02
                return self._masked(Method(strategy, strength, feather=feather))
            case Strategy.REFERENCE:
                scale = _first(asked.reference_scale, defaults.reference_scale, _REFERENCE_SCALE)
                return self._steered(Method(strategy, strength, reference_scale=scale))
            case Strategy.IMG2IMG:
                return Method(strategy, strength), f"{self.model.name} starts from the noised source"
            case _:
                return Method(strategy), f"{self.model.name} follows instructions"

    def _controlled(self, method: Method) -> tuple[Method, str] | str:
        for kind in _KINDS:
            network = self._installed(models.CONTROLS[kind])
            if network is None:
                continue
            used = [Companion("control", network.name, network.digest, kind)]
            self.companions = (network,)
            if kind == "depth":
                estimator = self._installed(models.DEPTH)
                if estimator is None:
                    return f"{network.name} needs depth, and no network that estimates it is installed"
                used.append(Companion("estimator", estimator.name, estimator.digest))
                self.companions = (network, estimator)
            return _with(method, used), f"{network.name} holds it to the {kind} of the source"
        return f"no ControlNet (canny, line or depth) for {self.model.family} is installed"

    def _steered(self, method: Method) -> tuple[Method, str] | str:
        # A provider's model takes references by itself.
        adapter = None if self.model.engine == _PROVIDERS else self._installed(models.REFERENCE_ADAPTER)
        if adapter is None and self.model.engine != _PROVIDERS:
            return f"no IP-Adapter for {self.model.family} is installed"
        shown = [self._references(picture) for picture in self.pictures]
        bare = [picture.key for picture, found in zip(self.pictures, shown, strict=True) if not found]
        if bare:
            return f"there are no reference pictures for {', '.join(bare[:6])}{' …' if len(bare) > 6 else ''}"
        self.inputs = tuple(Inputs(references=found) for found in shown)
        if adapter is None:
            return Method(method.strategy), f"{self.model.name} is shown the references"
        self.companions = (adapter,)
        made = _with(method, [Companion("adapter", adapter.name, adapter.digest)])
        return made, f"{adapter.name} shows it the references"

    def _references(self, picture: Picture) -> tuple[Given, ...]:
        """Of the characters where the stage changes them, else of the style."""
        if Aspect.CHARACTERS in self.stage.may_change:
            found = picture.cast[0].references if picture.cast else ()
        else:
            found = self.guide.references if self.guide is not None else ()
        return tuple(Given(item.asset, item.sha256) for item in found)

    def _masked(self, method: Method) -> tuple[Method, str] | str:
        if self.request.boxes:
            self.inputs = tuple(Inputs(boxes=self.request.boxes) for _ in self.pictures)
            return method, "the request says where to paint"
        found = [self._place(picture, known) for picture, known in zip(self.pictures, self.values, strict=True)]
        bare = [picture.key for picture, inputs in zip(self.pictures, found, strict=True) if inputs is None]
        if bare:
            return f"nothing says where to paint in {', '.join(bare[:6])}{' …' if len(bare) > 6 else ''}"
        self.inputs = tuple(inputs for inputs in found if inputs is not None)
        return method, f"only the place of the {self.stage.title.lower()} is made anew"

    def _place(self, picture: Picture, known: Mapping[str, str]) -> Inputs | None:
        box = _box(self.stage.mask, known) if self.stage.mask is not None else None
        if box is not None:
            return Inputs(boxes=(box,))
        if picture.made is not None:
            return Inputs(compared=Given(picture.made.asset, picture.made.sha256))
        return None

    def _installed(self, capability: str) -> Model | None:
        return next((model for model in self.world.companions if capability in model.capabilities), None)


def _box(mask: Mask, known: Mapping[str, str]) -> Box | None:
    box = mask.boxes.get(known.get(mask.variable, "").strip().lower())
    if box is None:
        return None
    left, top, right, bottom = box
    return left, top, right, bottom


def _with(method: Method, used: Sequence[Companion]) -> Method:
    return Method(
        method.strategy, method.strength, method.control_scale, method.reference_scale, method.feather, tuple(used)
    )


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _reason(request: RunRequest, model: Model, why: str, passed: Sequence[tuple[str, str]]) -> str:
    if request.strategy:
        return f"It was asked for: {why}."
    if not passed:
        return f"It is the stage's first choice: {why}."
    before = "; ".join(f"{name}: {reason}" for name, reason in passed)
    return f"{why[:1].upper()}{why[1:]}. Passed over: {before}."


def _nothing(
    request: RunRequest, model: Model, world: PlanWorld, passed: Sequence[tuple[str, str]]
) -> ModelUnsupported:
    names = [name for name, _ in passed]
    could = [
        other.name
        for other in world.installed
        if other.state is ModelState.READY and other.name != model.name and set(names) & set(other.capabilities)
    ]
    can = ", ".join(model.capabilities) or "nothing that this version knows"
    reasons = "; ".join(f"{name}: {why}" for name, why in passed)
    if could:
        helped = f"Choose a model that can, such as {', '.join(could[:4])}."
    else:
        families = dict.fromkeys(family.name for family in FAMILIES.values() if set(names) & set(family.capabilities))
        helped = f"Install a model of a family that can: {', '.join(families)}."
    if any("is installed" in why for _, why in passed):
        helped += " Or install what is missing beside the model."
    if any("nothing says where" in why for _, why in passed):
        helped += " Or say where to paint with a box."
    return ModelUnsupported(
        f"No strategy of the stage can be done with {model.name} ({reasons}). It can do: {can}.",
        field="strategy" if request.strategy else "model",
        remedy=helped,
        model=model.name,
        capability=names[0],
    )
