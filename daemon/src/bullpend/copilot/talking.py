"""Talk: greetings, thanks, who the copilot is, and a yes or no, which is never a confirmation."""

from __future__ import annotations

import re

from bullpend.copilot.wishes import Say, Understood
from bullpend.copilot.words import Line
from bullpend.copilot.world import World

_HELLO = (
    r"(?:hi|hello|hey|good (?:morning|day|evening|afternoon)|greetings|yo|howdy)(?: there| copilot| bullpen| "
    r"everybody| all)*"
)
_THANKS = (
    r"(?:ok(?:ay)? |great |perfect |nice |cool )*(?:thanks|thank you|thx|cheers|ta|great|perfect|nice|cool|"
    r"well done|good job|awesome|bye|goodbye|see you|good night)(?: (?:a lot|so much|very much|you|job|work|"
    r"copilot))*"
)
_YES = (
    r"(?:y|yes|yep|yeah|yup|sure|confirm(?:ed)?|i confirm|approve[ds]?|i approve|go ahead|do it|go for it|"
    r"ok(?:ay)?|please do|yes please|proceed|make it so|go|run it"
    r"|confirm (?:it|that|this|all|them|everything|all of them|the (?:instruction|card|run|draft|proposal)s?|"
    r"i-\d+|all (?:instructions|drafts|cards|proposals|pending instructions))"
    r"|(?:accept|approve|execute) (?:it|this|that|the (?:instruction|card|draft|proposal)|all (?:instructions|"
    r"drafts|cards|proposals))"
    r"|yes (?:do it|go ahead|confirm|please))"
)
_NO = (
    r"(?:n|no|nope|nah|never ?mind|forget it|discard (?:it|that)|no thanks|no thank you|reject (?:it|that|"
    r"this)|(?:cancel|drop|dismiss|withdraw) (?:the |this |that |my )?(?:instruction|card|draft|"
    r"proposal)s?(?: i-\d+)?)"
)
_WHO = (
    r"(?:who|what) are you|what is your name|(?:are|r) you (?:an? |really an? )?(?:ai|llm|language model|bot|"
    r"robot|human|person|machine|computer|chatgpt|gpt|claude|real(?: person)?|model)"
    r"|which (?:language )?(?:model|llm|ai) (?:are you|is this|do you use|am i talking to)|what (?:language "
    r")?(?:model|llm|ai) (?:are you|is this|do you use|am i talking to)"
    r"|am i (?:talking|speaking) to an? \w+|is this an? (?:ai|llm|language model|bot|chatbot)|introduce yourself"
)
# Orders that the studio knows and the copilot does not take.
_BEYOND = (
    r"(?:export|sync|synchroni[sz]e|back ?up|upload|import|delete|remove|rename|create|add|new|write|"
    r"translate|publish|download|install|configure|reset|erase|wipe)"
    r"(?= (?:(?:a|an|the|my|all|new|me|some|everything|every|this|it|to|another|of) )*(?:scenes?(?: \S+)?|"
    r"characters? called|character named|projects?|s3|cbz|pdf|zip|bundle|ren'py|everything|files?|pictures?|"
    r"models?|secrets?|keys?|assets?|poem|style guides?|reference sets?|templates?|settings?|database|home|"
    r"run(?:s)?|story|bucket)(?: |$))"
    r"|(?:export|sync|back ?up|publish)(?!\S)"
)
_HELP = (
    r"(?:please )?help(?: me| please)*|\?|what can (?:you|i) (?:do|say|ask)(?: here| for me)?|what do you "
    r"(?:understand|know|do)|commands?|(?:list|show)(?: me)?(?: the| all)? commands"
    r"|how (?:do|can|does) (?:you|i|this|it) (?:work|use you|use this|start|begin)|usage|examples?|give me "
    r"(?:some )?examples|how (?:do|can|would|should|could) (?:i|we|one) .*|what are you able to do|show(?: "
    r"me)? (?:some )?examples"
)


def read(line: Line, world: World) -> Understood | None:
    """A text to say, or None where it is no talk."""
    text = re.sub(r"(?: [.!?,;])+$", "", line.text)
    text = re.sub(r"^(?:(?:hey|hi|hello|ok|okay|so|well|please|and|but) (?:copilot )?(?:, )?)+(?=\S+ \S)", "", text)
    for what, pattern in (
        ("hello", _HELLO),
        ("thanks", _THANKS),
        ("confirm", _YES),
        ("decline", _NO),
        ("who", _WHO),
        ("help", _HELP),
    ):
        if re.fullmatch(pattern, text) or (what == "who" and re.match(rf"(?:{pattern})\b", text)):
            return Say(what)
    if re.search(r"\b(?:confirm|approve) (?:it|this|that|them|everything|yourself)\b", text):
        return Say("confirm")
    if found := re.match(_BEYOND, text):
        return Say("beyond", {"what": found[0]})
    if re.search(r"\b(?:confirm|approve)\b.*\b(?:instructions?|drafts?|cards?|proposals?|everything|all)\b", text):
        return Say("confirm")
    return None
