"""The figures of the pack: each beside its target, from what the packed models carry."""

import subprocess
import sys

from bullpen_starter.train import table


def test_every_packed_model_with_a_target_has_its_row() -> None:
    """Edits, cutout, upscalers and identity stand in the table with their figures and a verdict."""
    rows = {row.name.split(":")[0]: row for row in table.rows()}
    assert {"style", "characters", "four stages chained", "cutout", "upscaler 4×", "upscaler 2×", "identity"} <= set(
        rows
    )
    assert all(row.shown and row.target for row in rows.values())
    assert table.text().count("\n") == len(table.rows()) + 2


def test_help_names_every_model_and_its_minutes() -> None:
    """A person finds the steps without reading the source."""
    line = [sys.executable, "-W", "ignore", "-m", "bullpen_starter.train", "--help"]
    said = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    assert all(step in said for step in ("text", "edit", "generate", "lora", "cutout", "identity", "--resume"))
