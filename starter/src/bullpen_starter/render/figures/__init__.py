"""Figures: recolourable heroes with a bold outline, and exactly the pixels they cover.

A figure stands in the foreground at one of three places. Who it is comes from the character; which way it faces, and
pose and expression where the character leaves them open, are read from the variation field at its chest.
"""

from bullpen_starter.render.figures.paint import extra_colour
from bullpen_starter.render.figures.sheet import portrait, reference_sheet
from bullpen_starter.render.figures.stand import Standing, close_up, figure, figure_rgba, resolved, stand

__all__ = [
    "Standing",
    "close_up",
    "extra_colour",
    "figure",
    "figure_rgba",
    "portrait",
    "reference_sheet",
    "resolved",
    "stand",
]
