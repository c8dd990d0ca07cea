"""*Paper Garden*: six scenes about a child, an old gardener, and what rain is for. A second look beside the first."""

from bullpen_starter.render.spec import HEROES
from bullpen_starter.stories.model import Guide, Line, Member, Part, Scene, Story

FIRST = 1_000_700

PAPER_GARDEN = Story(
    slug="paper_garden",
    title="Paper Garden",
    story=(
        "Nothing grows in Tin Street, so June folds flowers out of newspaper and plants those. They need no water,"
        " she says. An old man who lost his garden to a locked gate thinks that this is just what is wrong with them."
    ),
    guide=Guide(
        slug="paper_print",
        name="Paper print",
        style="risograph",
        description=(
            "Two inks on rough paper, a little out of register; large grain, broad shapes, no small lines. Paper shows"
            " through wherever there is light, and is never filled in."
        ),
    ),
    cast=(
        Member(
            "june",
            "June",
            HEROES["june"],
            "Seven. Has tried beans, cress and a cactus in Tin Street and keeps a list of what did not work. Does not"
            " give up; makes another list.",
        ),
        Member(
            "ben",
            "Old Ben",
            HEROES["old_ben"],
            "Looked after the town garden for forty years, until it was closed for repairs that nobody began. Still"
            " has his key, his hat, and seeds in every pocket.",
        ),
    ),
    scenes=(
        Scene(
            "What does not grow",
            "alley",
            FIRST + 5,
            "day",
            "clear",
            (Part("june", "centre"),),
            "Tin Street is stones, drainpipes and shade. June sits on the step with a newspaper and folds.",
            (
                Line("Beans, no. Cress, no. A cactus, no.", "june"),
                Line("The ninth thing on the list was paper."),
            ),
        ),
        Scene(
            "Closed for repairs",
            "garden",
            FIRST + 1,
            "dusk",
            "clear",
            (Part("ben", "right"),),
            "The gate of the town garden has been locked for a year. At dusk Ben lets himself in with the key that he"
            " forgot to hand back, and waters what is left.",
            (Line("Nobody has told the roses.", "ben"),),
        ),
        Scene(
            "Yesterday's news",
            "market",
            FIRST + 1,
            "day",
            "clear",
            (Part("june", "left"), Part("ben", "right", "pointing")),
            "At the market June asks for old newspapers. Ben gives her his, and shows her a fold that makes a flower"
            " with a deep heart.",
            (
                Line("Mine never need water.", "june"),
                Line("That is the trouble with them.", "ben"),
            ),
        ),
        Scene(
            "Two hundred",
            "bridge",
            FIRST + 3,
            "dawn",
            "fog",
            (Part("june", "right", expression="smiling"),),
            "Overnight the bridge has come into flower: newsprint roses on every rail, in every crack. People on their"
            " way to work walk slower than they meant to.",
            (
                Line("Two hundred. I counted twice.", "june"),
                Line("Ben had folded half of them, and had been strangely slow about it."),
            ),
        ),
        Scene(
            "Rain",
            "rooftop",
            FIRST + 2,
            "night",
            "rain",
            (Part("june", "left", expression="sad"),),
            "It rains all night. From the roof June watches her garden go soft, and grey, and down between the stones.",
            (
                Line("Rain was not on the list.", "june"),
                Line("Down in the street a man in a hat went from crack to crack. He looked pleased."),
            ),
        ),
        Scene(
            "What was in the paper",
            "alley",
            FIRST + 8,
            "dawn",
            "clear",
            (Part("june", "left", "waving", "smiling"), Part("ben", "right", expression="smiling")),
            "Three weeks later. Wherever a paper flower had lain, along all of Tin Street, there is a line of green.",
            (
                Line("You put seeds into the folds.", "june"),
                Line("You said that they would never need water. I thought: we shall see.", "ben"),
            ),
        ),
    ),
)
