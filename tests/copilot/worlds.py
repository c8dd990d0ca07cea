"""A universe of six scenes with a run that works, one that failed in part and one that succeeded; and a short form of
what a sentence was taken for, in which the table of phrasings is written.
"""

from __future__ import annotations

import json
from pathlib import Path

from bullpend.copilot import vocabulary
from bullpend.copilot.wishes import Ask, Propose, Read, Understood
from bullpend.copilot.world import CandidateWords, JobWords, RunWords, SceneWords, World
from bullpend.instructions.model import METHODS

ROOT = Path(__file__).resolve().parents[2]
WORDS = vocabulary.load(ROOT / "settings" / vocabulary.FILE_NAME)
STAGES = (("style", "Style"), ("time", "Time and light"), ("weather", "Weather"), ("characters", "Characters"))
TITLES = ("The lamp goes out", "The last train", "Harbour book", "The pier at dusk", "Rain", "Two hundred")


def _job(run: str, number: int, scene: int, state: str, *candidates: str) -> JobWords:
    name = f"projects/p/runs/{run}/jobs/j-{number:03d}"
    made = [CandidateWords(f"{name}/candidates/c-{i}", state, i == 1) for i, state in enumerate(candidates, 1)]
    return JobWords(name, f"scene_0{scene}", state, tuple(made))


WORLD = World(
    project="p",
    title="P",
    stages=tuple(WORDS.stage(stage, title, 2) for stage, title in STAGES),
    scenes=tuple(
        SceneWords(
            f"scene_0{number}",
            title,
            number,
            ("mara",) if number < 3 else (),
            {"style": f"projects/p/assets/a{number}"} if number < 5 else {},
        )
        for number, title in enumerate(TITLES, 1)
    ),
    characters={"mara": "Mara Quill", "otto": "Otto"},
    style_guides={"harbor_flat": "Harbor flat"},
    models={"models/starter-edit": ("instruction_edit",), "models/other": ()},
    profiles=("neutral", "cinematic_warm", "cold_rain"),
    runs=(
        RunWords(
            "projects/p/runs/r-0003-weather",
            "weather",
            "RUNNING",
            (_job("r-0003-weather", 1, 1, "RUNNING"), _job("r-0003-weather", 2, 2, "QUEUED")),
        ),
        RunWords(
            "projects/p/runs/r-0002-time",
            "time",
            "PARTIAL",
            (_job("r-0002-time", 1, 3, "SUCCEEDED", "SUCCEEDED", "SUCCEEDED"), _job("r-0002-time", 2, 4, "FAILED")),
        ),
        RunWords("projects/p/runs/r-0001-style", "style", "SUCCEEDED", (_job("r-0001-style", 1, 3, "SUCCEEDED"),)),
    ),
    methods=frozenset(METHODS),
)


def short(found: Understood) -> str:
    """What a sentence was taken for, in one line."""
    if isinstance(found, Ask):
        return f"ASK[{found.slot}]"
    if isinstance(found, Read):
        return f"READ {found.what} {_flat(dict(found.about))}".rstrip()
    if isinstance(found, Propose):
        return "PROPOSE " + " | ".join(f"{method.split('/')[1]} {_flat(dict(said))}" for method, said in found.calls)
    return f"SAY {found.what}"


def _flat(said: dict[str, object]) -> str:
    text = json.dumps({key: value for key, value in said.items() if value or value == 0 or value == {}}, sort_keys=True)
    return text.replace("projects/p/", "").replace("scenes/scene_", "")
