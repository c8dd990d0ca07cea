"""The stories of the sample universes, as data: who is in them, what happens, and which panel each scene starts from.

Prose only; pictures are drawn from it by `bullpen_starter.train.universe`, and people read it as a project of their
studio. A scene's numbers and words are checked where it is turned into a `PanelSpec`.
"""

from bullpen_starter.stories.harbor_lights import HARBOR_LIGHTS
from bullpen_starter.stories.model import Guide, Line, Member, Part, Scene, Story
from bullpen_starter.stories.paper_garden import PAPER_GARDEN

STORIES = (HARBOR_LIGHTS, PAPER_GARDEN)

__all__ = ["HARBOR_LIGHTS", "PAPER_GARDEN", "STORIES", "Guide", "Line", "Member", "Part", "Scene", "Story"]
