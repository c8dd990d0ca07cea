"""Procedural comic panels: a deterministic function from `PanelSpec` to a picture (Pillow and numpy only)."""

from bullpen_starter.render.figures import figure_rgba, portrait, reference_sheet
from bullpen_starter.render.panel import Panel, render
from bullpen_starter.render.spec import (
    BUILDS,
    COLOURS,
    HAIRS,
    HEROES,
    OUTFITS,
    PLACES,
    SCENES,
    SKETCH,
    STYLES,
    TIMES,
    WEATHERS,
    Character,
    PanelSpec,
    Variation,
)

__all__ = [
    "BUILDS",
    "COLOURS",
    "HAIRS",
    "HEROES",
    "OUTFITS",
    "PLACES",
    "SCENES",
    "SKETCH",
    "STYLES",
    "TIMES",
    "WEATHERS",
    "Character",
    "Panel",
    "PanelSpec",
    "Variation",
    "figure_rgba",
    "portrait",
    "reference_sheet",
    "render",
]
