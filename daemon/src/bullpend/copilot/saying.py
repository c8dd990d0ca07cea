"""Sentences of the built-in copilot that do not depend on what there is."""

from __future__ import annotations

from collections.abc import Mapping

NAME = "built-in grammar"

TEXTS: Mapping[str, str] = {
    "hello": "Hello. I am the built-in copilot: a small grammar for the words of the studio, not a language model. "
    "Say what to do, such as `run style on all scenes with 3 candidates each`, or `help`.",
    "thanks": "You are welcome.",
    "who": "I am the built-in copilot of Bullpen: a small command grammar, **not a language model**. I understand the "
    "studio's words in many phrasings, and ask where I am not sure. What I propose becomes a card that only you can "
    "confirm. A language model can be connected in the settings (`copilot.url`).",
    "confirm": "I cannot confirm anything: only you can, on the card itself. Press `y` on it in the studio, or run "
    "`bullpen instructions confirm`.",
    "decline": "Nothing happens without you. `n` on a card cancels it, and so does `bullpen instructions cancel`; a "
    "card that nobody confirms expires.",
    "nothing_active": "Nothing is waiting or being made in this project.",
    "nothing_to_retry": "No ended run has anything that failed.",
    "nothing_made": "Nothing was made in this project yet. `run style on all scenes` would be a beginning.",
    "no_scenes": "The project has no scenes yet. `bullpen scenes add PROJECT FILE…` adds pictures; a folder of your "
    "own pictures can be run too: `run style on the folder ~/pictures`.",
    "cannot_pause": "This daemon cannot pause. A run can be cancelled; what is finished stays, and `retry` makes "
    "the rest.",
    "exports_by_hand": "An export is stopped, made again, checked and deleted by hand: in the studio's list of "
    "exports, or by `bullpen export`. What I proposed is stopped with its instruction.",
    "beyond": "That I cannot do. I propose runs of the stages, cancel, pause and retry them, accept candidates, "
    "post-process pictures, check their quality, export them, bring them to a bucket or folder, hand work over to the "
    "external agent, and I look things up. `bullpen --help` has the rest.",
    "help": """I am a small grammar for the studio, not a language model. For example:

- **Run a stage**: `run style on all scenes with 3 candidates each` · `weather for scenes 2-4, seed 42` · \
`make scene 3 rainy` · `everything except the pier through time` · `style on the folder ~/pictures`
- **Only plan**: `plan style on all scenes` · `what would weather on scene 2 cost?`
- **Steer**: `cancel the run` · `pause the queue` · `resume` · `retry the failed ones`
- **Choose**: `accept candidate 2 of scene 3 because the light is right`
- **Finish**: `upscale scene 1 by 4` · `remove the background of the pier` · `apply cinematic_warm to scene 2`
- **Check**: `check the quality of the last run` · `why did scene 4 fail?`
- **Export**: `export the accepted pages as CBZ` · `make a PDF of scenes 1 to 6` · `zip everything that was accepted`
- **Bring out**: `back up the project to /srv/backup` · `sync the pictures to the bucket and verify them`
- **Hand over**: `ask the agent to letter the six pages` (it is sent when you have confirmed what is shown)
- **Change a card**: `make it four candidates` · `without scene 2` · `the same at night`
- **Look up**: `what is left to do in the weather stage?` · \
`status` · `costs` · `list scenes` · `show scene 3` · `who is Mara?` · `which models are there?`

What changes something becomes a card. Only you can confirm it.""",
}


def text(what: str) -> str:
    """The sentence of that name."""
    return TEXTS[what]
