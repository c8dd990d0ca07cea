"""Fills a store with assets as runs make them, row by row as the daemon would write them, only many at once."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from bullpend.assets import bits, index
from bullpend.assets.facts import facts_of, words_of
from bullpend.assets.index import JSON
from bullpend.db import Row, Tx

PROJECT = "noir_city"
STAGES = ("style", "time", "weather", "characters")
MODELS = ("starter-edit", "sdxl-ink", "flux-line", "sd15-noir")
CAST = ("mara", "otto", "lin", "jo", "the_keeper")
TAGS = ("keep", "cover", "Draft", "wet street", "retouch")
PLACES = ("pier", "market", "alley", "rooftop", "station", "lighthouse", "harbour", "bridge")
WEATHERS = ("rain", "fog", "snow", "storm", "clear sky", "drizzle")
LIGHTS = ("dusk", "dawn", "night", "noon", "golden hour", "neon")
FIRST_DAY = 1_767_225_600.0  # 2026-01-01
DAY = 86_400.0


def rows(count: int, seed: int = 1, first: int = 1) -> Iterator[Row]:
    """Rows of `assets`, with their JSON columns as values and without their facts: oldest first, over one year."""
    dice = random.Random(seed)
    rare = [f"word{number}" for number in range(4000)]
    for number in range(first, first + count):
        stage, run = STAGES[number % 4], number // 72
        model = MODELS[dice.choices(range(4), (60, 25, 10, 5))[0]]
        place, scene = dice.choice(PLACES), dice.randrange(200)
        cast = [one for one in CAST if dice.random() < 0.3]
        weather = dice.choice(WEATHERS)
        more = " ".join(rare[int(dice.random() ** 3 * len(rare))] for _ in range(12))
        prompt = (
            f"change the {stage} of the picture to {weather} at {dice.choice(LIGHTS)}, the {place} by the harbour, "
            f"warm windows, wet street, ink lines, {more}"
        )
        name = f"projects/{PROJECT}/runs/r-{run:05}-{stage}"
        candidate = f"{name}/jobs/{number % 72 // 4 + 1}/candidates/c{number % 4 + 1}"
        sha256 = f"{number:064x}"[::-1]
        yield {
            "id": number,
            "project": PROJECT,
            "slug": sha256[:24],
            "kind": "CANDIDATE" if number % 10 else "POSTPROCESS",
            "sha256": sha256,
            "mime_type": "image/png",
            "size_bytes": 900_000 + dice.randrange(200_000),
            "width": 1024 if number % 3 else 768,
            "height": 1024,
            "display_name": f"r-{run:05}-{stage}_{number % 72}_c{number % 4 + 1}.png",
            "origin": candidate,
            "licence": "",
            "tags": [one for one in TAGS if dice.random() < 0.02],
            "rating": dice.choices(range(6), (90, 2, 2, 2, 2, 2))[0],
            "derived_from": [],
            "create_time": FIRST_DAY + number * 365 * DAY / (first + count),
            "revision": 1,
            "note": "ask Mara about the coat" if dice.random() < 0.001 else "",
            "update_time": None,
            "delete_time": FIRST_DAY if dice.random() < 0.01 else None,
            "purge_time": None,
            "candidate": candidate,
            "run": name,
            "stage": stage,
            "model": f"models/{model}",
            "scene": f"projects/{PROJECT}/scenes/{place}_{scene:03}",
            "characters": [f"projects/{PROJECT}/characters/{one}" for one in cast],
            "prompt": prompt,
            "seed": number,
            "verdict": ("REJECTED", "ACCEPTED", "", "REJECTED")[number % 4],
        }


def fill(tx: Tx, count: int, seed: int = 1, first: int = 1) -> None:
    """Writes that many assets with their index into a project that is there."""
    known: dict[tuple[str, str], int] = {}
    columns: list[str] = []
    assets: list[tuple[Any, ...]] = []
    words: list[tuple[Any, ...]] = []
    connection = tx._connection

    def write() -> None:
        marks = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO assets ({', '.join(columns)}) VALUES ({marks})", assets)
        connection.executemany(
            "INSERT INTO asset_words (rowid, prompt, name, about, note) VALUES (?, ?, ?, ?, ?)", words
        )
        assets.clear()
        words.clear()

    for row in rows(count, seed, first):
        facts = facts_of(row)
        for fact in facts:
            if fact not in known:
                known[fact] = index.fact_ids(tx, PROJECT, [fact])[0]
        full = {**row, "facts": index.written(known[fact] for fact in facts)}
        columns = columns or list(full)
        assets.append(tuple(json.dumps(value) if key in JSON else value for key, value in full.items()))
        words.append((row["id"], *words_of(row)))
        if len(assets) == 5000:
            write()
    write()
    index.seal(tx, (first + count - 1) // bits.BLOCK)


def add_project(tx: Tx) -> None:
    """The project that `fill` writes to."""
    row = {"slug": PROJECT, "title": "Noir City", "story": "", "storage": "LOCAL", "create_time": 0.0}
    tx.insert("projects", {**row, "update_time": 0.0, "revision": 1})
