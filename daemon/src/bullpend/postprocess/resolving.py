"""From what a person asks for to what a worker is told: defaults filled in, models checked, profiles looked up.

Blocking, as the registry is: the caller runs it in a thread.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TypeVar

from bullpen_api.v1 import postprocess_pb2
from bullpen_api.worker.v1 import link_pb2

from bullpend.errors import (
    BullpenError,
    FieldInvalid,
    ModelCorrupt,
    ModelNotFound,
    ModelUnsafe,
    ModelUnsupported,
    ResourceNotFound,
)
from bullpend.models.description import ONNX, PICKLED, SAFE
from bullpend.models.loading import Loading
from bullpend.models.model import IMG2IMG, ModelState
from bullpend.models.registry import Registry
from bullpend.models.rules import require
from bullpend.paths import allowed_file
from bullpend.postprocess import settings
from bullpend.postprocess.settings import LARGEST_SCALE, NEUTRAL_KELVIN, Chain, Profile
from bullpend.quality.model import Limits
from bullpend.remote.catalogue import is_remote

CUTOUT, UPSCALE = "cutout", "upscale"
SESSION = "rembg:"
# In place of a model's name: none, whatever the settings say.
NO_MODEL = "none"
STRENGTH = (0.05, 1.0)
STEPS = ("cutout", "refine", "upscale", "color")
_CALLED = {".onnx": "ONNX", ".safetensors": "safetensors"}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Resolved:
    """What will be done, with every choice made, and the same for a worker, whose paths are still to be set. `limits`
    are what a cutout is judged by; `refiner` is the digest of the model that redraws the edge, if there is one.
    `fallback_asked` says that the provider's model in `post_process.cutout.fallback` was named by the request, and not
    by the settings alone.
    """

    post_process: postprocess_pb2.PostProcess
    work: link_pb2.ProcessPicture
    limits: Limits = field(default_factory=Limits)
    refiner: str = ""
    fallback_asked: bool = False


class Resolver:
    """Knows models, settings and the folders inside which files may be named.

    `folders` hold the settings files, the weakest first.
    """

    def __init__(self, registry: Registry, folders: Sequence[Path], roots: Sequence[Path]) -> None:
        self._registry = registry
        self._loading = Loading(registry)
        self._folders = tuple(folders)
        self._roots = tuple(roots)

    def profiles(self) -> dict[str, settings.Known]:
        """The colour profiles. Raises SettingInvalid."""
        return settings.profiles(self._folders)

    def configured(self) -> postprocess_pb2.PostProcess:
        """The steps that the settings switch on, each left to the settings. Raises SettingInvalid."""
        chain = settings.chain(self._folders)
        wish = postprocess_pb2.PostProcess()
        for step in STEPS:
            if getattr(chain, step).enabled:
                getattr(wish, step).SetInParent()
        return wish

    def resolve(self, wish: postprocess_pb2.PostProcess, field: str = "post_process") -> Resolved:
        """Makes every choice that the wish leaves open. `field` is what errors call it.

        Raises FieldInvalid, SettingInvalid, ResourceNotFound, PathNotAllowed, PathNotFound and the Model… errors.
        """
        if not any(wish.HasField(step) for step in STEPS):  # type: ignore[arg-type]  # the stubs list names one by one
            raise FieldInvalid(
                f"`{field}` has no step.", field=field, remedy="Set one of cutout, refine, upscale and color."
            )
        chain = settings.chain(self._folders)
        done, work = postprocess_pb2.PostProcess(), link_pb2.ProcessPicture()
        if wish.HasField("cutout"):
            at = f"{field}.cutout.model"
            named = wish.cutout.model or chain.cutout.model
            done.cutout.model, by = self._cutter(named, at, "" if named else chain.cutout.fallback)
            work.cutout.CopyFrom(by)
            done.cutout.fallback = self._fallback(wish.cutout.fallback, chain.cutout.fallback, by, f"{field}.cutout")
        if wish.HasField("refine"):
            self._refine(wish.refine, chain, f"{field}.refine", done.refine, work.refine)
        if wish.HasField("upscale"):
            self._upscale(wish.upscale, chain, f"{field}.upscale", done.upscale, work.upscale)
        if wish.HasField("color"):
            self._color(wish.color, chain, f"{field}.color", done.color, work.color)
        limits = Limits(alpha_coverage_min=chain.cutout.coverage_min, alpha_coverage_max=chain.cutout.coverage_max)
        refiner = self._registry.verify(work.refine.model).digest if work.refine.model else ""
        asked = bool(wish.cutout.fallback and done.cutout.fallback)
        return Resolved(done, work, limits if work.HasField("cutout") else Limits(), refiner, asked)

    def _cutter(self, name: str, field: str, fallback: str = "") -> tuple[str, link_pb2.CutoutWork]:
        if name.startswith(SESSION):
            return name, link_pb2.CutoutWork(session=name.removeprefix(SESSION))
        if is_remote(name):
            model = _named(lambda: require(self._registry.get(name), CUTOUT, field), field)
            return model.name, link_pb2.CutoutWork(provider=model.name)
        try:
            found, tool = self._tool(name, CUTOUT, ONNX, field)
        except (ModelNotFound, ModelCorrupt, ModelUnsupported):
            if not fallback:
                raise
            return self._cutter(fallback, field)
        return found, link_pb2.CutoutWork(tool=tool)

    def _fallback(self, wish: str, configured: str, by: link_pb2.CutoutWork, field: str) -> str:
        """The provider's model that may be asked where the work fails here; "" for none. Raises FieldInvalid."""
        name = wish or (configured if is_remote(configured) else "")
        if not name or name == NO_MODEL or by.WhichOneof("by") == "provider":
            return ""
        if not is_remote(name):
            raise FieldInvalid(
                f"`{field}.fallback` is {name[:80]!r}, which is no provider's model.",
                field=f"{field}.fallback",
                remedy="Give a provider's model, such as photoroom:segment, or none.",
            )
        place = f"{field}.fallback"
        return _named(lambda: require(self._registry.get(name), CUTOUT, place), place).name

    def _refine(
        self,
        wish: postprocess_pb2.RefineStep,
        chain: Chain,
        field: str,
        done: postprocess_pb2.RefineStep,
        work: link_pb2.RefineWork,
    ) -> None:
        softness = wish.softness if wish.HasField("softness") else chain.refine.softness
        done.softness = work.softness = _share(softness, f"{field}.softness")
        name = wish.model or chain.refine.model
        if not name or name == NO_MODEL:
            return
        model = _named(lambda: require(self._registry.verify(name), IMG2IMG, f"{field}.model"), f"{field}.model")
        strength = wish.strength if wish.HasField("strength") else chain.refine.strength
        if not STRENGTH[0] <= strength <= STRENGTH[1]:
            raise FieldInvalid(
                f"`{field}.strength` is {strength:g}, but lies between {STRENGTH[0]:g} and {STRENGTH[1]:g}.",
                field=f"{field}.strength",
            )
        done.model = work.model = model.name
        done.strength = work.strength = strength

    def _upscale(
        self,
        wish: postprocess_pb2.UpscaleStep,
        chain: Chain,
        field: str,
        done: postprocess_pb2.UpscaleStep,
        work: link_pb2.UpscaleWork,
    ) -> None:
        scale = wish.scale or chain.upscale.scale
        if not 0 <= scale <= LARGEST_SCALE:
            raise FieldInvalid(
                f"`{field}.scale` is {scale}; a picture is enlarged 1 to {LARGEST_SCALE} times.",
                field=f"{field}.scale",
                remedy="Give a factor that the model has, such as 2 or 4.",
            )
        name, tool = self._tool(wish.model or chain.upscale.model, UPSCALE, ONNX | SAFE, f"{field}.model")
        if tool.file and not wish.scale:
            scale = 0  # a lone file has one factor, whatever the settings say
        work.tool.CopyFrom(tool)
        work.scale = done.scale = scale
        done.model = name

    def _color(
        self,
        wish: postprocess_pb2.ColorStep,
        chain: Chain,
        field: str,
        done: postprocess_pb2.ColorStep,
        work: link_pb2.ColorWork,
    ) -> None:
        name = wish.profile or ("" if wish.lut_path else chain.color.profile)
        profile, lut = Profile(), None
        if name:
            known = self.profiles()
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                raise ResourceNotFound(
                    f"There is no colour profile {name!r}." + (f" The nearest is {near[0]}." if near else ""),
                    field=f"{field}.profile",
                    remedy=f"Choose one of {', '.join(known)}, or add your own to {settings.COLOUR_FILE}.",
                    resource=f"profiles/{name}",
                )
            profile, lut = known[name].profile, known[name].lut_path
        if wish.lut_path:
            if lut is not None:
                raise FieldInvalid(
                    f"The profile {name} has a lookup table of its own.",
                    field=f"{field}.lut_path",
                    remedy="Give a profile without one, or no lut_path.",
                )
            lut = allowed_file(wish.lut_path, self._roots, f"{field}.lut_path")
        strength = profile.strength if chain.color.strength is None else chain.color.strength
        if wish.HasField("strength"):
            strength = _share(wish.strength, f"{field}.strength")
        done.profile, done.lut_path, done.strength = name, wish.lut_path, strength
        work.CopyFrom(_grade(profile, strength, lut))

    def _tool(self, name: str, capability: str, kinds: frozenset[str], field: str) -> tuple[str, link_pb2.ToolRef]:
        """The name of the model that is taken, and how a worker finds it."""
        if Path(name).is_absolute() and PurePosixPath(name).suffix.lower() in ONNX | SAFE | PICKLED:
            return name, self._lone(name, kinds, field)

        def find() -> tuple[str, link_pb2.ToolRef]:
            wanted = name or self._first(capability)
            model = require(self._registry.verify(wanted), capability, field)
            return model.name, link_pb2.ToolRef(model=self._loading.references(wanted, model.digest).model)

        return _named(find, field)

    def _lone(self, name: str, kinds: frozenset[str], field: str) -> link_pb2.ToolRef:
        path = allowed_file(name, (*self._roots, *self._registry.folders), field)
        suffix = path.suffix.lower()
        wanted = " or ".join(_CALLED[kind] for kind in sorted(kinds))
        if suffix in PICKLED and SAFE & kinds:
            wanted += f"; `bullpen models convert {path}` makes safetensors of it"
        if suffix in PICKLED:
            raise ModelUnsafe(
                f"{path.name} holds pickled weights, which can run code and are never loaded.",
                field=field,
                remedy=f"Use the model as {wanted}.",
            )
        if suffix not in kinds:
            raise ModelUnsupported(
                f"{path.name} is not {' or '.join(sorted(kinds))}.", field=field, remedy=f"Use the model as {wanted}."
            )
        return link_pb2.ToolRef(model=link_pb2.ModelRef(name=name, path=str(path.parent)), file=path.name)

    def _first(self, capability: str) -> str:
        for model in self._registry.scan():
            if is_remote(model.name):
                continue  # nobody is sent a bill unasked
            if model.state is ModelState.READY and capability in model.capabilities:
                return model.name
        raise ModelNotFound(
            f"No installed model can do {capability}.",
            remedy="Put one into a folder of models (`bullpen doctor` names them), or name a file.",
            capability=capability,
        )


def _named(find: Callable[[], T], field: str) -> T:
    """What `find` gives; its errors name the request's own field."""
    try:
        return find()
    except BullpenError as error:
        error.field = field
        raise


def _grade(profile: Profile, strength: float, lut: Path | None) -> link_pb2.ColorWork:
    return link_pb2.ColorWork(
        exposure=profile.exposure,
        kelvin=profile.white_kelvin or NEUTRAL_KELVIN,
        duv=profile.tint_duv,
        contrast=profile.contrast,
        lift=profile.lift,
        gamma=profile.gamma,
        gain=profile.gain,
        saturation=profile.saturation,
        strength=strength,
        lut_path=str(lut) if lut else "",
    )


def _share(value: float, field: str) -> float:
    if not 0 <= value <= 1:
        raise FieldInvalid(f"`{field}` is {value:g}, but lies between 0 and 1.", field=field)
    return value
