"""The built-in engine: reads a message by the grammar, looks things up, and proposes what was ordered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from bullpen_api.v1 import copilot_pb2

from bullpend.copilot import following, handing, lookup, rules, saying
from bullpend.copilot.engines import Asked, Part, Piece, Turn, Words
from bullpend.copilot.pieces import failed
from bullpend.copilot.wishes import Ask, Propose, Read, Say
from bullpend.copilot.world import World
from bullpend.errors import BullpenError
from bullpend.instructions.model import CREATE_RUN

ENGINE = "chatEngines/builtin"


def _read(turn: Turn, world: World) -> rules.Understood:
    """What a message means, in the light of what was asked or shown before it."""
    asked = turn.asked
    if asked is None:
        return rules.understand(turn.text, world)
    if asked.slot == rules.CHANGE:
        return rules.changed(asked.before, turn.text, world)
    if asked.slot == rules.PLANNED:
        return rules.ordered(asked.before, turn.text, world)
    return rules.continued(asked.before, asked.slot, turn.text, world)


class Builtin:
    """Answers without a language model. `draw` gives a seed for a run that names none."""

    def __init__(self, draw: Callable[[], int]) -> None:
        self._draw = draw

    @property
    def card(self) -> copilot_pb2.ChatEngine:
        """Always there."""
        return copilot_pb2.ChatEngine(
            name=ENGINE,
            title=saying.NAME,
            available=True,
            detail="A small grammar for the words of the studio; not a language model.",
        )

    async def answer(self, turn: Turn) -> AsyncIterator[Piece]:
        """One message, answered at once."""
        world = await turn.world()
        asked = turn.asked
        # Reading takes milliseconds, and the first time longer: its patterns are made then. Not on the loop.
        found = await asyncio.to_thread(_read, turn, world)
        match found:
            case Say(what):
                yield Words(saying.text(what))
            case Ask(question, choices, slot):
                yield Part(copilot_pb2.ChatPart(question=copilot_pb2.ChatQuestion(text=question, choices=choices)))
                # An answer to a question about something unreadable starts anew.
                if slot:
                    # A second question is about what the first sentence and its answers already say.
                    goes_on = asked is not None and asked.slot not in (slot, rules.CHANGE, rules.PLANNED)
                    before = f"{asked.before} {turn.text}" if asked is not None and goes_on else turn.text
                    yield Asked(before, slot)
                elif asked is not None and asked.slot in (rules.CHANGE, rules.PLANNED):
                    # What was not understood does not close the card.
                    yield asked
            case Read(what, about):
                async for piece in lookup.look(turn, world, what, dict(about)):
                    yield piece
                if what == "plan":
                    yield Asked(following.kept(((CREATE_RUN, about),)), rules.PLANNED)
                elif asked is not None and asked.slot in (rules.CHANGE, rules.PLANNED):
                    # A question in between does not close the card.
                    yield asked
            case Propose():
                async for piece in self._propose(turn, found):
                    yield piece
                if kept := following.kept(found.calls):
                    yield Asked(kept, rules.CHANGE)

    async def _propose(self, turn: Turn, wish: Propose) -> AsyncIterator[Piece]:
        cards = []
        for method, inputs in wish.calls:
            said: dict[str, Any] = dict(inputs)
            if method == CREATE_RUN and wish.random_seed:
                said["spec"] = {**said["spec"], "seed": str(self._draw())}
            try:
                if method == handing.HAND_OVER:
                    row = await turn.hand_over(said["objective"])
                else:
                    row = await turn.propose(method, said, "")
            except BullpenError as error:
                yield failed(error)
                continue
            cards.append(row)
            name = f"projects/{row['project']}/instructions/{row['slug']}"
            yield Part(copilot_pb2.ChatPart(card=copilot_pb2.ChatCard(instruction=name)))
        if cards:
            them = "it" if len(cards) == 1 else "them"
            yield Words(f"Nothing is done yet: look at {them}, and confirm with `y`.")
