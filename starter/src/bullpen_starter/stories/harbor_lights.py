"""*Harbor Lights*: twelve scenes about a lighthouse that goes dark, and who had promised to put it out."""

from bullpen_starter.render.spec import HEROES
from bullpen_starter.stories.model import Guide, Line, Member, Part, Scene, Story

# First of the layouts that these scenes choose from; none of them was ever trained on.
FIRST = 1_000_600

HARBOR_LIGHTS = Story(
    slug="harbor_lights",
    title="Harbor Lights",
    story=(
        "The lighthouse of Harrow Quay has not missed a night since its keeper was lost at sea and his daughter took"
        " over the lamp. Nine years later to the day it goes dark. The daughter, a ferryman, a stranger and the harbour"
        " robot each know a part of the reason. Then a storm comes in, and there is a ferry out."
    ),
    guide=Guide(
        slug="harbor_flat",
        name="Harbor flat",
        style="flat",
        description=(
            "Saturated cel colour in few, hard planes; even black outlines; shadows fall to one side and hold no"
            " detail. Light is the subject: every panel has one source, and the story is in where it stands. The cast"
            " keep their own colours at any hour, so that a reader finds them at once: yellow coat, blue jacket,"
            " purple dress, green jacket."
        ),
    ),
    cast=(
        Member(
            "mara",
            "Mara Quill",
            HEROES["mara"],
            "Keeper of the light since she was eleven. Knows the weather an hour before it comes and has not slept"
            " through a night in nine years. Wears her father's yellow coat, which has begun to fit.",
        ),
        Member(
            "tomas",
            "Tomas Reed",
            HEROES["tomas"],
            "Ferryman, and carrier of letters that the post will not take. Asks no names, forgets all doors, and has"
            " kept one envelope for nine years because of what is written on it.",
        ),
        Member(
            "iris",
            "Iris Vane",
            HEROES["iris"],
            "Came on the last train with one trunk and a name that belongs to a drowned woman. Her hair went white in"
            " a single night. She is here to thank somebody, and late.",
        ),
        Member(
            "otto",
            "Otto",
            HEROES["otto"],
            "The harbour robot. Writes every boat and every soul into the harbour book, holds ladders, ties knots, and"
            " does what it is told. The scarf was a present from Mara; it is not needed, and is never taken off.",
        ),
    ),
    scenes=(
        Scene(
            "The lamp goes out",
            "pier",
            FIRST + 7,
            "dusk",
            "clear",
            (Part("mara", "left", expression="sad"),),
            "The end of the pier at dusk. Mara turns round because her shadow has gone: behind her the lighthouse is"
            " dark, for the first time in nine years.",
            (
                Line("Nobody in Harrow Quay had ever seen the tower without its light. It looked like a chimney."),
                Line("I filled it. I trimmed it. I was gone for ten minutes.", "mara"),
            ),
        ),
        Scene(
            "The last train",
            "station",
            FIRST + 16,
            "night",
            "rain",
            (Part("iris", "right"),),
            "The last train has pulled out again. Iris stands on the platform with one trunk and looks for something"
            " above the roofs that is not there.",
            (
                Line("They told me to walk towards the light.", "iris"),
                Line("The stationmaster pointed into the rain. There was nothing else to point at."),
            ),
        ),
        Scene(
            "A letter without a door",
            "alley",
            FIRST + 12,
            "dawn",
            "fog",
            (Part("tomas", "centre", "walking"),),
            "Before the town wakes Tomas carries his letters up the washing-line alley. He has delivered all of them"
            " but one, as on every morning. He takes it out and reads the envelope, which he knows by heart.",
            (
                Line("On the envelope stood: To be given when the lamp is out."),
                Line("I had hoped to be an old man by then.", "tomas"),
            ),
        ),
        Scene(
            "Nobody's name",
            "market",
            FIRST + 14,
            "day",
            "snow",
            (Part("iris", "left"), Part("otto", "right", "pointing")),
            "Snow on the awnings. Everybody at the market has seen the stranger, and nobody agrees on her face. Otto,"
            " who keeps the harbour book, asks for her name a third time.",
            (
                Line("Iris Vane is in my book. She drowned nine years ago.", "otto"),
                Line("Then your book is out by one.", "iris"),
            ),
        ),
        Scene(
            "What Mara counts",
            "rooftop",
            FIRST + 12,
            "night",
            "clear",
            (Part("mara", "right", "pointing"),),
            "From the chandler's roof Mara counts the boats, as her father taught her. They are all home. Up in the"
            " tower the lamp is whole; it is the great lens that is gone, lifted out of its ring with care.",
            (
                Line("Not a scratch. Whoever took it was gentle with it.", "mara"),
                Line(
                    "Three had ever turned those bolts: Mara, her father, and whoever it was that used to hold the"
                    " ladder."
                ),
            ),
        ),
        Scene(
            "The wrong hour for it",
            "bridge",
            FIRST + 17,
            "dusk",
            "rain",
            (Part("tomas", "left"), Part("mara", "right", expression="angry")),
            "Tomas has waited on the bridge since four with the letter inside his jacket. She sees the handwriting"
            " and puts both hands into her pockets.",
            (
                Line("It is from him.", "tomas"),
                Line("Then it can wait. I did.", "mara"),
                Line("He wrote it for the day when you would not have to.", "tomas"),
            ),
        ),
        Scene(
            "The keeper's garden",
            "garden",
            FIRST + 25,
            "day",
            "clear",
            (Part("iris", "left", expression="sad"), Part("mara", "right", expression="calm")),
            "Behind the tower the garden has run wild. Here Iris says what she came to say: there was a ship, and a"
            " boat with one place left in it, and a man in it who got up.",
            (
                Line("He told me: row at the light. My daughter is keeping it.", "iris"),
                Line("I was eleven. I turned the crank until morning.", "mara"),
                Line("I know. I came to thank you for it, and it was dark.", "iris"),
            ),
        ),
        Scene(
            "Standing orders",
            "harbour",
            FIRST + 37,
            "dusk",
            "storm",
            (Part("otto", "centre"),),
            "The storm comes in with the evening tide. One berth is empty: Tomas took the ferry over, eleven aboard,"
            " and is not back. On the quay stands Otto with an order that was not made for tonight.",
            (
                Line("Order: after nine years, put out the light. Done.", "otto"),
                Line("Order for a ferry in a storm: none found.", "otto"),
                Line("A machine cannot be sorry. Otto stood in the wind and looked for the word all the same."),
            ),
        ),
        Scene(
            "Nine years, not a day more",
            "pier",
            FIRST + 23,
            "night",
            "storm",
            (Part("mara", "left", expression="angry"), Part("otto", "right")),
            "At the foot of the tower Otto opens its jacket. Inside, wrapped in a red blanket, is the lens.",
            (
                Line("Your father said: she will sit up for me. Nine years, and then let her sleep.", "otto"),
                Line("It takes two days to set a lens, Otto. How long does Tomas have?", "mara"),
                Line("One hour.", "otto"),
            ),
        ),
        Scene(
            "One by one",
            "alley",
            FIRST + 3,
            "night",
            "rain",
            (Part("iris", "centre", "waving"),),
            "Iris runs up the alley and knocks at every door with both fists. What one lamp cannot do, two hundred"
            " may: candles to the panes, lanterns on the washing lines, stove doors open.",
            (
                Line("Anything that burns! In every window to the sea!", "iris"),
                Line("They did not ask who she was. One by one the lights came on."),
            ),
        ),
        Scene(
            "The ferry",
            "harbour",
            FIRST + 40,
            "dawn",
            "fog",
            (Part("tomas", "right", expression="calm"),),
            "Fog, and the first grey. The ferry lies at its berth with eleven people asleep on their luggage. Tomas"
            " has not yet let go of the rail.",
            (
                Line("I looked for one light and there was none. Then a whole town stood on the water.", "tomas"),
                Line("Otto wrote eleven names into the book. Then it turned back nine years and struck one out."),
            ),
        ),
        Scene(
            "Harbor lights",
            "pier",
            FIRST + 11,
            "dusk",
            "clear",
            (Part("otto", "left"), Part("mara", "centre"), Part("iris", "right")),
            "A week later, at the end of the pier. The lens turns again, and behind it every window in the town is"
            " lit, because nobody wants to be the first to stop. Tomas has brought his letter to its door. Mara opens"
            " it.",
            (
                Line(
                    "Mara, it said. If the lamp is out, you have waited long enough. Go to bed. Then get up, and keep"
                    " it for somebody else."
                ),
                Line("Was that my order?", "otto"),
                Line("It was. He says good night.", "mara"),
            ),
        ),
    ),
)
