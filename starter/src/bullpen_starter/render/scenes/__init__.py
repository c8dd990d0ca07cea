"""Eight places of a harbour town. Each function draws one onto a stage; a layout seed decides where things stand.

Depth runs from 0 (at the reader) to 1 (horizon), so that fog and line weight follow perspective.
"""

from collections.abc import Callable
from random import Random

from bullpen_starter.render.scenes.canal import bridge
from bullpen_starter.render.scenes.heights import rooftop
from bullpen_starter.render.scenes.park import garden
from bullpen_starter.render.scenes.streets import alley, market, station
from bullpen_starter.render.scenes.waterside import harbour, pier
from bullpen_starter.render.stage import Stage

Scene = Callable[[Stage, Random], None]

SCENE_DRAWERS: dict[str, Scene] = {
    "pier": pier,
    "market": market,
    "rooftop": rooftop,
    "station": station,
    "alley": alley,
    "harbour": harbour,
    "bridge": bridge,
    "garden": garden,
}

__all__ = ["SCENE_DRAWERS", "Scene"]
