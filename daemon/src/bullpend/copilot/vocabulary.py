"""What people call the stages and their values: `copilot.json` of the settings folder.

A file of names, so that a studio with stages of its own can say how they are called. What is not there is understood by
its id and title alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bullpend import settings_files
from bullpend.copilot.world import StageWords
from bullpend.errors import SettingInvalid

FILE_NAME = "copilot.json"


class _Stage(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    names: list[str] = []
    values: dict[str, dict[str, list[str]]] = {}


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int
    stages: dict[str, _Stage]


@dataclass(frozen=True)
class Vocabulary:
    """Names and values by stage."""

    stages: Mapping[str, _Stage] = field(default_factory=dict)

    def stage(self, stage: str, title: str, candidates: int) -> StageWords:
        """A stage of the manifest with what it is called."""
        known = self.stages.get(stage, _Stage())
        values = {
            spoken.lower(): (variable, value)
            for variable, by_value in known.values.items()
            for value, ways in by_value.items()
            for spoken in ways
        }
        return StageWords(stage, title, tuple(name.lower() for name in known.names), values, candidates)


def load(path: Path) -> Vocabulary:
    """Reads the file; none is no vocabulary. Raises SettingInvalid naming the place at fault."""
    if not path.exists():
        return Vocabulary()
    read = settings_files.load(path, _File)
    if read.schema_version != 1:
        raise SettingInvalid(f"{path}: schema_version is {read.schema_version}, not 1.", field="schema_version")
    return Vocabulary(read.stages)
