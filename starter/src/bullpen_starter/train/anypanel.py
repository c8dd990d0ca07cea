"""Single panels drawn at random from the whole vocabulary, for networks that need no pairs.

Some characters are kept for measuring: which ones is decided by who they are, so training and measuring never share
an identity, as they never share a layout.
"""

from random import Random

from bullpen_starter.render import (
    BUILDS,
    COLOURS,
    HAIRS,
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
from bullpen_starter.render.spec import ACCESSORIES, EXPRESSIONS, POSES, SKINS
from bullpen_starter.render.variation import stable

VALIDATION = 1_000_100
HELD_OUT = 2_000_000
# Of 100 panels this many have no, one, two and three characters.
CROWD = (14, 42, 28, 16)


def held_out(who: Character) -> bool:
    """Whether this identity (about one in eight) is kept for measuring."""
    return stable("identity", *who.identity) % 8 == 0


def any_character(random: Random, place: str, *, unseen: bool = False) -> Character:
    """Someone at `place`: of the kept identities when `unseen`, else of the others."""
    pick = random.choice
    while True:
        pose, expression = pick((None, *POSES)), pick((None, *EXPRESSIONS))
        who = Character(
            pick(BUILDS),
            pick(HAIRS),
            pick(COLOURS),
            pick(OUTFITS),
            place,
            pick(ACCESSORIES),
            pick(SKINS),
            pose,
            expression,
        )
        if held_out(who) == unseen:
            return who


def any_panel(
    name: str, layout: int, *, unseen: bool = False, style: str | None = None, crowd: int | None = None
) -> PanelSpec:
    """The panel that `name` and `layout` decide; `style` and the number of characters may be fixed.

    One panel in twelve is a sketch. `unseen` takes the identities kept for measuring.
    """
    random = Random(stable("any", name, layout))
    scene = random.choice(SCENES)
    drawn = SKETCH if random.random() < 1 / 12 else random.choice(STYLES)
    number = random.choices(range(len(CROWD)), CROWD)[0]
    time, weather = random.choice(TIMES), random.choice(WEATHERS)
    seeds = [random.randrange(2**31) for _ in range(4)]
    places = random.sample(PLACES, number if crowd is None else crowd)
    cast = tuple(any_character(random, place, unseen=unseen) for place in places)
    return PanelSpec(scene, layout, style or drawn, time, weather, cast, Variation(*seeds))
