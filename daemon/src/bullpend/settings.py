"""The daemon's settings: what they are, who sets them, where they are read from.

Who reads which file. From weakest to strongest:

1. the defaults below,
2. `daemon.toml` in the settings folder ($BULLPEN_SETTINGS, else the checkout's `settings/`, else the packaged one),
3. `daemon.toml` in the daemon's home,
4. the environment: `scheduler.max_attempts` is `BULLPEN_SCHEDULER_MAX_ATTEMPTS`; lists are split at the system's
   path separator,
5. flags of the command line.

An unknown key is refused with the nearest known one; a value of the wrong type names its file and key. Every value
remembers where it came from.
"""

from __future__ import annotations

import difflib
import os
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from bullpend.errors import SettingInvalid
from bullpend.home import Home, checkout_folder, resolve_home, settings_folder, starter_folder
from bullpend.settings_tree import (
    DeviceSettings,
    LogSettings,
    MetricsSettings,
    PathSettings,
    PictureSettings,
    PostSettings,
    PreviewSettings,
    RemoteSettings,
    SchedulerSettings,
    SpendSettings,
    TestingSettings,
    Tree,
    WorkerSettings,
    known,
)

__all__ = ["Home", "Item", "Settings", "Tree", "checkout_folder", "known", "load", "resolve_home", "settings_folder"]

FILE_NAME = "daemon.toml"
PREFIX = "BULLPEN_"


_PLACEHOLDERS = ("{home}", "{checkout}", "{tmp}", "{huggingface}")


@dataclass(frozen=True, slots=True)
class Item:
    """One setting as a person sees it: name, value as text, where it came from, what it does."""

    name: str
    value: str
    source: str
    description: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings with their sources, and the folders that they lead to."""

    home: Home
    tree: Tree
    sources: Mapping[str, str]
    folder: Path
    checkout: Path | None
    environ: Mapping[str, str]

    @property
    def paths(self) -> PathSettings:
        """Folders, unexpanded; see `model_folders()` and `input_roots()`."""
        return self.tree.paths

    @property
    def pictures(self) -> PictureSettings:
        """Limits of pictures."""
        return self.tree.pictures

    @property
    def devices(self) -> DeviceSettings:
        """What computes."""
        return self.tree.devices

    @property
    def scheduler(self) -> SchedulerSettings:
        """How work is handed out."""
        return self.tree.scheduler

    @property
    def worker(self) -> WorkerSettings:
        """How workers are watched."""
        return self.tree.worker

    @property
    def post(self) -> PostSettings:
        """Encoding, storing and measuring."""
        return self.tree.post

    @property
    def previews(self) -> PreviewSettings:
        """Previews."""
        return self.tree.previews

    @property
    def spend(self) -> SpendSettings:
        """The guard before money is spent."""
        return self.tree.spend

    @property
    def remote(self) -> RemoteSettings:
        """Calls to providers."""
        return self.tree.remote

    @property
    def testing(self) -> TestingSettings:
        """Only for tests."""
        return self.tree.testing

    @property
    def metrics(self) -> MetricsSettings:
        """Where metrics are handed out."""
        return self.tree.metrics

    @property
    def log(self) -> LogSettings:
        """What is logged."""
        return self.tree.log

    @property
    def wanted_devices(self) -> tuple[str, ...]:
        """Kinds or addresses of devices, as the setting lists them; `auto` stands alone."""
        return tuple(self.tree.devices.use.split(","))

    @property
    def max_pixels(self) -> int:
        """Pixels that a picture may decode to."""
        return int(self.tree.pictures.max_megapixels * 1_000_000)

    @property
    def worker_threads(self) -> int:
        """Threads of a worker on the processor, at least 1."""
        return self.tree.devices.threads or os.cpu_count() or 1

    @property
    def manifest_file(self) -> Path:
        """The manifest of stages."""
        return self.folder / "manifest.json"

    def model_folders(self) -> tuple[Path, ...]:
        """Folders that are searched for models: the embedded ones, then the setting's; they need not exist."""
        starter = starter_folder()
        return (*([starter] if starter is not None else []), *self.expand(self.tree.paths.model_folders))

    def input_roots(self) -> tuple[Path, ...]:
        """Folders inside which paths may be named, expanded."""
        return self.expand(self.tree.paths.input_roots)

    def style_roots(self, manifest_roots: list[str]) -> tuple[Path, ...]:
        """Folders that style anchors may come from: the setting's, else the manifest's, expanded."""
        return self.expand(self.tree.paths.style_roots or manifest_roots)

    def expand(self, folders: list[str]) -> tuple[Path, ...]:
        """Replaces `~` and placeholders, and leaves out what does not apply here; each folder once, in order."""
        values = {
            "{home}": str(self.home.root),
            "{tmp}": tempfile.gettempdir(),
            "{checkout}": str(self.checkout) if self.checkout else None,
            "{huggingface}": _huggingface_cache(self.environ),
        }
        found: dict[Path, None] = {}
        for folder in folders:
            text: str | None = folder
            for placeholder, value in values.items():
                if text is not None and placeholder in text:
                    text = text.replace(placeholder, value) if value else None
            if text is None:
                continue
            if text == "~" or text.startswith("~/"):
                text = self.environ.get("HOME", str(Path.home())) + text[1:]
            found[Path(text)] = None
        return tuple(found)

    def items(self) -> list[Item]:
        """Every setting, in order, with its value, source and description."""
        return [
            Item(name, _text(_value(self.tree, name)), self.sources[name], description)
            for name, description, _ in known()
        ]


def _value(tree: Tree, name: str) -> Any:
    group, key = name.split(".")
    return getattr(getattr(tree, group), key)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return os.pathsep.join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def load(
    home: Path,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """All settings of a home.

    `flags` maps names such as `scheduler.max_attempts` to values or texts. Raises SettingInvalid naming the place
    and the key at fault.
    """
    env = dict(os.environ if environ is None else environ)
    settings = settings_folder(env) if folder is None else folder
    names = {name for name, _, _ in known()}
    values: dict[str, Any] = {name: default for name, _, default in known()}
    sources = dict.fromkeys(values, "default")
    layers = [
        *_file_layer(settings / FILE_NAME, names),
        *_file_layer(home / FILE_NAME, names),
        *_environment_layer(env, names),
        *_flag_layer(flags or {}, names),
    ]
    for name, value, source in layers:
        values[name], sources[name] = _checked(name, value, source), source
    grouped: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        group, key = name.split(".")
        grouped.setdefault(group, {})[key] = value
    return Settings(Home(home), Tree.model_validate(grouped), sources, settings, checkout_folder(), env)


Layer = list[tuple[str, Any, str]]


def _file_layer(path: Path, names: set[str]) -> Layer:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        # A home that is no folder is refused when it is made.
        return []
    except OSError as error:
        raise SettingInvalid(f"{path} cannot be read: {error.strerror}.", field=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingInvalid(
            f"{path} is not valid TOML: {error}.", field=str(path), remedy=f"Correct {path}, or move it away."
        ) from error
    layer: Layer = []
    for group, content in data.items():
        if not isinstance(content, dict):
            raise _unknown(group, names, str(path))
        for key, value in content.items():
            name = f"{group}.{key}"
            if name not in names:
                raise _unknown(name, names, str(path))
            layer.append((name, value, str(path)))
    return layer


def _environment_layer(environ: Mapping[str, str], names: set[str]) -> Layer:
    by_variable = {PREFIX + name.replace(".", "_").upper(): name for name in names}
    groups = tuple({f"{PREFIX}{name.split('.')[0].upper()}_" for name in names})
    layer: Layer = []
    for variable, text in sorted(environ.items()):
        if variable in by_variable:
            name = by_variable[variable]
            layer.append((name, _parsed(name, text), f"environment {variable}"))
        elif variable.startswith(groups):
            near = difflib.get_close_matches(variable, by_variable, n=1)
            raise SettingInvalid(
                f"There is no setting {variable}" + (f"; the nearest is {near[0]}." if near else "."),
                field=variable,
                remedy="Correct or unset the variable; docs/settings.md lists all settings.",
            )
    return layer


def _flag_layer(flags: Mapping[str, Any], names: set[str]) -> Layer:
    layer: Layer = []
    for name, value in flags.items():
        if name not in names:
            raise _unknown(name, names, f"flag --{name}")
        layer.append((name, _parsed(name, value) if isinstance(value, str) else value, f"flag --{name}"))
    return layer


def _parsed(name: str, text: str) -> Any:
    default = next(value for known_name, _, value in known() if known_name == name)
    return [part for part in text.split(os.pathsep) if part] if isinstance(default, list) else text


def _checked(name: str, value: Any, source: str) -> Any:
    group, key = name.split(".")
    model = Tree.model_fields[group].annotation
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)
    info = model.model_fields[key]
    # Texts of the environment and of flags are converted; values of a file have their type already.
    strict = not source.startswith(("environment ", "flag "))
    annotated: Any = Annotated[info.annotation, info]
    try:
        found = TypeAdapter(annotated).validate_python(value, strict=strict)
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise SettingInvalid(
            f"{source}: {name} = {value!r} is not valid: {problem}.",
            field=name,
            remedy=f"Correct {name} ({source}), or remove it to use the default.",
            source=source,
        ) from error
    for folder in found if isinstance(found, list) else []:
        if not (Path(folder).is_absolute() or folder == "~" or folder.startswith(("~/", *_PLACEHOLDERS))):
            raise SettingInvalid(
                f"{source}: {name} names {folder!r}, which is no absolute path.",
                field=name,
                remedy=f"Begin with /, ~/, or one of {', '.join(_PLACEHOLDERS)}.",
                source=source,
            )
    return found


def _unknown(name: str, names: set[str], source: str) -> SettingInvalid:
    near = difflib.get_close_matches(name, sorted(names), n=1, cutoff=0.4)
    return SettingInvalid(
        f"{source}: there is no setting {name}" + (f"; the nearest is {near[0]}." if near else "."),
        field=name,
        remedy="Correct the name; docs/settings.md lists all settings.",
        source=source,
        nearest=near[0] if near else "",
    )


def _huggingface_cache(environ: Mapping[str, str]) -> str:
    cache = environ.get("HF_HUB_CACHE") or environ.get("HUGGINGFACE_HUB_CACHE")
    if cache:
        return cache
    base = (
        environ.get("HF_HOME") or f"{environ.get('XDG_CACHE_HOME') or environ.get('HOME', '~') + '/.cache'}/huggingface"
    )
    return f"{base}/hub"
