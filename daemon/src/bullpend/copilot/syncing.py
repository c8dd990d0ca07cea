"""Orders to bring a project's pictures to its bucket or to a folder: all of them, and it only ever adds there."""

from __future__ import annotations

import re
from typing import Any

from bullpend.copilot import leftover, picking
from bullpend.copilot.targets import POLITE, own_name
from bullpend.copilot.wishes import Ask, Propose, Understood
from bullpend.copilot.words import CANDIDATE, SCENE, Line, several
from bullpend.copilot.world import World
from bullpend.instructions import model

SLOT = "place"
BUCKET = (
    r"(?:aws |amazon )?s3(?:[- ]bucket)?|buckets?|cloud(?: storage)?|object (?:store|storage)|"
    r"(?:remote|other|external|off-?site|online) storage|storage"
)
_WHOSE = r"(?:(?:the|our|my|its|their|your|this|project's|universe's|configured|own|s3|remote|usual) )*"
# Nobody means anything else by these.
_ALONE = r"sync|synch|synchroni[sz]e|re-?sync|back ?up|back-up|mirror|replicate|archive|upload|offload"
_OTHERS = r"push|copy|bring|store|save|send|put|transfer|move|export|get|ship|keep|write|duplicate|take|stash"
_NOUN = (
    r"(?:back-?ups?|back up|safety cop(?:y|ies)|cop(?:y|ies)|sync(?:h|hroni[sz]ation)?|mirror|storage sync|"
    r"bucket sync|s3 sync|sync with storage)"
)
_DO = r"make|do|run|start|create|take|perform|trigger|have|get|kick off|write|begin|launch|another"
_CHECK = (
    r"(?:(?:and|,|then|while|also|also do|with)(?: (?:then|also|please|a|full))* )*"
    r"(?:verify(?:ing)?|verification|check(?:ing)?|double-?check|re-?check|re-?read(?:ing)?|read again)"
    rf"(?: (?:it|them|that|all of (?:it|them)|everything|what (?:is|lies)(?: already)? there(?: already)?|"
    rf"(?:the |every )?(?:(?:existing|old) )?(?:cop(?:y|ies)|files?|checksums?|hash(?:es)?|back-?ups?|{SCENE}|sums?))"
    r"(?: (?:there|too|as well|again|in it|afterwards))*)?"
)
_MEND = (
    r"(?:and |, |then )*(?:repair|fix|mend|replace|restore|correct)(?: (?:what(?:ever)? (?:is|was) (?:damaged|broken|"
    r"wrong|corrupt(?:ed)?)|(?:the |any |all )?(?:damaged|broken|corrupt(?:ed)?|bad)(?: ones| files| copies)?|it|"
    r"them))?"
)
_KINDS = rf"(?:{SCENE}|assets?|files?|artwork|art|work|results?|{CANDIDATE}|renders?|everything|stuff|data|content)"
_WHAT = (
    rf"(?:(?:all|every|everything|each)(?: of)?(?: (?:the|our|my|this|its))?|the|our|my|its|these|those|this)?"
    rf"(?: (?:accepted|finished|final|approved|new|newest|latest|whole|entire|complete|full|project's|universe's|"
    rf"winning|local))*"
    rf" ?(?:{_KINDS}|project|universe|comic|book|story|series)"
    rf"(?: (?:of|in|from) (?:the|this|our|my) (?:project|universe|comic|book|story|whole project))?"
)
_ALL_OF_IT = rf"\bcopy\b|\bback-?up|{_KINDS}|\bproject\b|\buniverse\b|\ball\b"
_FILLERS = frozenset(several("these those this that they them it all every whatever is there we made so far into up"))
_PATH = re.compile(r"(?:^|\s)[\"']?((?:~|\.{1,2})?/[^\s\"',;]+)")


def read(line: Line, world: World) -> Understood | None:
    """What is proposed, or None where nothing is to be brought anywhere."""
    path = path_of(line)
    place = rf"(?:to|into|in|onto|on|with|at|towards?|against|over to|up to|out to|by) {_WHOSE}(?:{BUCKET})"
    bare = rf"{_WHOSE}(?:{BUCKET})"
    polite = re.match(POLITE, line.rest)
    if polite is not None and polite.end():
        line.rest = line.rest[polite.end() :]
    verify = _checked(line, bare)
    if verify:
        bucket = True
    else:
        begun = _begun(line, bool(path), place)
        if begun is None:
            return None
        bucket = (
            line.take(place) is not None
            or (begun == "bucket" and not path)
            or (begun in ("alone", "noun") and not path and line.take(bare) is not None)
        )
        while line.take(_CHECK) or line.take(_MEND):
            verify = True
    if path:
        take_path(line, path)
    if len(world.project) > 2:
        own_name(line, world)
    if ask := _part(line, world):
        return ask
    while line.take(_WHAT):
        pass
    line.take(r"(?:all )?(?:of )?(?:it|them|everything|that)")
    if (ask := leftover.unread(line, _FILLERS)) is not None:
        return ask
    return _proposed(world, path, bucket, verify)


def _proposed(world: World, path: str, bucket: bool, verify: bool) -> Understood:
    if path and bucket:
        return Ask("To the bucket, or to the folder?", ("to the bucket", f"to {path}"), SLOT)
    if not path and not bucket and not world.bucket:
        return Ask(
            "Where to? A folder of this machine such as /srv/backup, or the project's bucket.", ("to the bucket",), SLOT
        )
    said: dict[str, Any] = {"folder": path} if path else {"bucket": True}
    return Propose(((model.SYNC, {**said, **({"verify": True} if verify else {})}),))


def _begun(line: Line, path: bool, place: str) -> str | None:
    """What makes it an order to bring pictures: a verb that says so alone, a noun, or a verb with its place."""
    back = re.match(r"back (?P<w>(?:\S+ ){1,6}?)up(?= |$)", line.rest)
    if back is not None and not re.search(r"\bto\b", back["w"]):
        line.remove(0, len("back"))
        line.remove(back.end() - 2, back.end())
        return "alone"
    if found := re.match(
        rf"(?:(?:{_DO}) )?(?:a |an |the |another |one more |me a )*(?:(?:full|complete|fresh|new|quick|whole|safety) )*"
        rf"(?P<n>{_NOUN})(?: of)?(?= |$)",
        line.rest,
    ):
        weak = re.match(r"cop", found["n"]) is not None
        if not weak or path or line.find(place):
            line.remove(0, found.end())
            return "bucket" if re.search(r"s3|bucket|storage", found["n"]) else "noun"
    if found := re.match(rf"(?:{_ALONE})(?= |$)", line.rest):
        line.remove(0, found.end())
        return "alone"
    if found := re.match(
        rf"(?:{_OTHERS})(?= |$)(?: (?:me )?a (?:safety )?(?:copy|back-?up)(?: of)?| backups?(?: of)?)?", line.rest
    ):
        if not path and line.find(place) is None:
            return None
        copied = re.search(r"cop(?:y|ies)|back-?ups?", found[0]) is not None
        elsewhere = found[0].startswith(("take", "get", "keep", "put", "move")) or "stage" in line.rest
        if path and not copied and (elsewhere or re.search(_ALL_OF_IT, line.rest) is None):
            return None
        line.remove(0, found.end())
        return "other"
    return None


def _checked(line: Line, bare: str) -> bool:
    """`check the backup and repair what is damaged`."""
    found = re.match(
        rf"(?:verify|check|audit|test|validate|repair|fix|mend) (?:(?:that|whether|if) )?(?:the |our |my |all |every )*"
        rf"(?:(?:back-?ups?|cop(?:y|ies))(?: (?:in|on|at) {bare})?|(?:what is|{_KINDS}) (?:in|on|at) {bare})(?= |$)",
        line.rest,
    )
    if found is None:
        return False
    line.remove(0, found.end())
    while line.take(_MEND):
        pass
    return True


def _part(line: Line, world: World) -> Ask | None:
    """Some scenes alone cannot be brought; it is asked whether all shall be."""
    text = picking.marked(line.rest, world)
    named = re.search(rf"(?<!\S)(?:§\d+|{SCENE} (?:number )?\d+|(?:first|last|second|third) {SCENE})", text)
    if named is None:
        return None
    return Ask(
        "All pictures of the project are brought, not some scenes alone. Shall I bring them all?",
        ("back up the whole project",),
        "",
    )


def path_of(line: Line) -> str:
    """A folder as it was written; the line is in lower case."""
    found = _PATH.search(line.raw)
    return found[1].rstrip(".!?:") if found is not None else ""


def take_path(line: Line, path: str) -> None:
    """Takes the folder with the words around it."""
    line.take(
        rf"(?:(?:to|into|in|onto|on|at|under|below|over|up|the|a|my|our|folder|directory|path|drive|disk|place) )*\"?"
        rf"{re.escape(path.lower())}\S*\"?(?: (?:folder|directory|drive|disk))?"
    )
