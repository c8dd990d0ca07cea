"""Orders for the external agent: whatever follows is what the agent is to do, in the person's own words.

Nothing of it is read as an order of the studio, and nothing is sent before a person confirmed a card that shows it.
"""

from __future__ import annotations

import re

from bullpend.copilot.wishes import Ask, Propose, Read, Understood
from bullpend.copilot.words import SCENE, Line
from bullpend.copilot.world import World

# No call of the contract: the engine that reads it proposes an instruction for the agent.
HAND_OVER = "agent/HandOver"
SLOT = "objective"
MOST = 2000
_AGENT = (
    r"(?:(?:the|our|my|an|your|that) )?(?:(?:external|outside|remote|other|configured|helper|drawing) )*"
    r"agents?(?: api)?(?: of (?:mine|ours|the settings))?"
)
_POLITE = (
    r"(?:(?:hey|hi|hello|ok|okay|so|well|now|please|pls|kindly|copilot|then|and|just|also)[ ,]+|(?:could|can|would|"
    r"will) "
    r"(?:you|we|i)(?: (?:please|kindly|maybe))? |let us |let's |i(?:'d| would)? (?:want|like|need)(?: you)? to |"
    r"i(?:'ll| will) |we should |please )*"
)
_GIVE = r"give|hand|pass|send|forward|delegate|assign|submit|dispatch|relay|hand over|hand off|outsource|leave|entrust"
_IT = r"this(?: task| job| work| one)?|that|it|the following(?: task| job)?|a (?:task|job)|the (?:task|job|work)"
_ASK = r"ask|tell|have|let|get|make|instruct|order|request|use|want|need|would like|direct|commission|task"
_COLON = r"\s*(?:[:;,\u2013\u2014]|-(?= )|\bto\b|\bwith\b)\s*"
_FORMS = tuple(
    re.compile(rf"^{_POLITE}(?:{form})[\s.!?]*$", re.IGNORECASE | re.DOTALL)
    for form in (
        rf"(?:{_GIVE})(?: (?:{_IT}))?(?: (?:over|on|along|off|out))?(?: to)? {_AGENT}\s*(?:(?:this|the following|a|"
        rf"one)(?: task| job| order)?)?"
        rf"\s*(?:(?:[:;\u2013\u2014]|-+(?= )|,)\s*(?:to |please )?|(?:\bto\b|\bwith\b) )(?P<o>.+?)",
        rf"(?:{_GIVE})(?: over| off)? (?P<g>[a-z]\S* .+?)(?: (?:over|off|on))? to {_AGENT}(?: please)?",
        rf"(?:(?:i|we)(?:'d| would)? )?(?:{_ASK}) {_AGENT}(?: please)?(?: to\s*:?|\s*:| that (?:it|he|she|they) "
        rf"(?:should )?)? (?P<p>.+?)",
        rf"(?:could|can|would|will) {_AGENT} (?:please |kindly |maybe )*(?P<q>.+?)",
        rf"{_AGENT} (?:should|shall|must|is to|has to|can|could|may|needs to|ought to|will)(?: please)? (?P<r>.+?)",
        rf"(?:for |to )?{_AGENT}\s*(?:[:;,\u2013\u2014]|-+(?= ))\s*(?P<s>.+?)",
        rf"(?:hand|give|pass)(?: (?:over|off))?(?: (?:{_IT}))? to {_AGENT}(?P<n>)",
        rf"(?:{_GIVE})(?: (?:{_IT}))?(?: over| on| off)?(?: to)? {_AGENT}(?P<m>)",
    )
)
_NOTHING = re.compile(
    rf"(?:it|this|that|these|those|them|him|her|us|me|do it|do that|do this|everything|all|{SCENE}(?: \S+)?|"
    r"(?:over )?(?:the )?(?:work|task|job|rest))",
    re.IGNORECASE,
)
_ENDS = re.compile(r"(?:stop|cancel|wait|pause|abort|quit|halt|go on|hurry|finish)\b.{0,20}", re.IGNORECASE)
_QUESTION = re.compile(
    rf"^(?:what|how|where|when|why|has|had|did|does|is|was|are|any)\b.*\b{_AGENT}\b.*$", re.IGNORECASE | re.DOTALL
)


def read(line: Line, world: World) -> Understood | None:
    """What is proposed for the agent, or None where nobody speaks of it."""
    raw = " ".join(line.raw.split())
    if not re.search(r"\bagents?\b", raw, re.IGNORECASE):
        return None
    if _QUESTION.match(raw):
        return Read("list", {"kind": "instructions"})
    for form in _FORMS:
        found = form.match(raw)
        if found is not None:
            objective = next((said for said in found.groupdict().values() if said), "").strip().strip('"“”').strip()
            return _wish(objective, handed="g" in form.groupindex)
    return None


def completed(before: str, answer: str) -> Understood:
    """An answer to what the agent is to do, such as `letter it`, after `hand scene 3 over to the agent`."""
    about = re.search(rf"\b(?P<s>{SCENE} [\w ,]+?)(?: over)? to {_AGENT}", before, re.IGNORECASE)
    objective = answer.strip()
    if about is not None and about["s"].lower() not in objective.lower():
        objective = f"{objective} ({about['s']})"
    return _wish(objective)


def _wish(objective: str, handed: bool = False) -> Understood:
    if re.match(r"(?:not|never|be|been|have been|already)\b", objective, re.IGNORECASE):
        return Ask("Nothing is sent to the agent without your word. What shall it do?", (), "")
    if _ENDS.fullmatch(objective):
        return Ask(
            "What the agent has is ended on its card, with `n`, or by `bullpen instructions cancel`. "
            "What else shall I do?",
            ("list instructions",),
            "",
        )
    bare = re.sub(r"^(?:over|on|along|out) ", "", objective)
    if not bare or _NOTHING.fullmatch(bare) or (handed and len(bare.split()) < 2):
        return Ask("What shall the agent do? Say it as you would say it to a person.", (), SLOT)
    return Propose(((HAND_OVER, {"objective": bare[:MOST]}),))
