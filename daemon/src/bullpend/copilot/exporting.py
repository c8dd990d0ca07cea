"""Orders to make one file of the project: which format, which pictures, how they are laid out, and where it goes.

Nothing is said of scenes: all that have an accepted picture. Nothing is said of the format: it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bullpend.copilot import leftover, picking, syncing
from bullpend.copilot.targets import POLITE, own_name, stage_called, stage_words, without_own_name
from bullpend.copilot.wishes import Ask, Propose, Say, Understood
from bullpend.copilot.words import CANDIDATE, NUM, SCENE, Line, number, several
from bullpend.copilot.world import World
from bullpend.instructions import model

SLOT = "format"
PAGED = ("FORMAT_CBZ", "FORMAT_PDF_PAGES")
# In the order in which they are looked for: a contact sheet is a PDF too.
FORMATS: Mapping[str, str] = {
    "FORMAT_PDF_CONTACT_SHEET": r"(?:pdf )?(?:contact|proof)[- ]?sheets?(?: pdf)?",
    "FORMAT_CBZ": r"(?:(?:comic ?book|comics?) archives?|cbz)(?: (?:file|archive|book|comic(?: ?book)?)s?)*",
    "FORMAT_PDF_PAGES": r"(?:pdf-pages|pdfs?)(?: (?:file|document|book|comic|page)s?)*",
    "FORMAT_BUNDLE": r"zips?(?:[- ]?(?:file|archive|bundle|folder)s?)*|(?:(?:studio|project|complete) )?bundles?",
}
_ENDINGS = {".cbz": "FORMAT_CBZ", ".pdf": "FORMAT_PDF_PAGES", ".zip": "FORMAT_BUNDLE"}
_ANY = "|".join(FORMATS.values())
_OTHERS = (
    r"epubs?|mobi|cbr|cb7|cbt|rar|tar|7z|pngs?|jpe?gs?|tiffs?|gifs?|webp|svg|psd|docx?|odt|html|json|videos?|mp4|"
    r"ren'?py(?: project)?|powerpoint|word(?: document)?|web ?site|web ?page"
)
_AS = r"(?:(?:and )?(?:(?:as|to|into|in|for|with) )?(?:(?:an?|one|the|another|both|also|single|new|nice|printable) )*)"
_LEADS = r"(?:as|to|into|in) (?:an? |the )*"
_ZIPS = r"zip|bundle"
_EXPORTS = r"export|re-?export|pack|package"
_MAKES = (
    r"make|create|build|generate|produce|give me|give us|get me|get|write|render|print|save|put|turn|convert|compile|"
    r"assemble|prepare|do|bring|combine|bind|collect|merge|store|run|start|have"
)
_BOOK = r"(?:an? |the |one )?(?:comic ?book|book|graphic novel|album|print version|printable version)(?: file)?"
_ACCEPTED = (
    r"(?:(?:that|which|,) )?(?:(?:was|were|is|are|has|have|been|i|we|you|got|already|been) )*"
    r"(?:accepted|approved|winning)(?: (?:so far|already|by now|until now|yet))*"
)
_FINISHED = r"(?:finished|post-?processed|retouched)(?: versions?(?: of)?)?"
_CANDIDATES = (
    rf"(?:(?:with|and|of|including|plus|also|together|, ) )*(?:(?:all|every|the|other|each|their|its|of) )*"
    rf"{CANDIDATE}(?: (?:too|as well|included))?"
)
_GRID = (
    rf"(?:(?:with|in|at|on|laid out|arranged|of|using) )*(?:an? )?(?:(?P<c>{NUM})(?: ?x ?| by )(?P<r>{NUM})"
    rf"(?: (?:grid|layout|panels?|pictures))*|(?P<c2>{NUM}) columns?(?: (?:and|,|by|x))? (?P<r2>{NUM}) rows?)"
    r"(?: (?:to|on|per|a|each|every) (?:each |every |a )?page)?"
)
_MANGA = (
    r"(?:(?:and|,|read|reading|in|from|as|with) )*(?:right[- ]to[- ]left|manga(?: order| style| reading order)?|rtl)"
)
_OVERWRITE = (
    r"(?:(?:and|,) )?(?:overwrit(?:e|ing)|replac(?:e|ing))(?: (?:it|them|(?:the|any) (?:old|existing|previous|last)"
    r"(?: one| file| export)?|what(?:ever)? (?:is|lies) there|that file))?(?: if (?:it|one) exists)?"
)
_OWN_FOLDER = r"(?:to|into|in) (?:the )?(?:project's |own |usual |default )*(?:exports?|project) folder"
_WHOLE = (
    r"(?:(?:of|from|for) )?(?:(?:the|our|my|this|whole|entire|complete|full) )+"
    r"(?:project|comic(?: ?book)?|universe|book|story|issue)"
)
_STEERS = r"cancel|stop|abort|kill|delete|remove|forget|restart|retry|repeat|verify|check|pause|resume"
_TITLED = r"(?:titled|called|named|entitled|with (?:the )?title|title(?: it)?|call it|name it)"
_TITLE = re.compile(rf"(?i)(?<!\S){_TITLED}[ :=]+[\"“‘'](?P<t>[^\"”]{{1,200}}?)[\"”’'](?=[\s.,;!?]|$)")
_FILLERS = frozenset(
    several(
        """
        everything it them that this those these ones scenes panels pictures images pages frames drawings artwork art
        out up together
        """
    )
)
_ASKED = (
    "As what? A comic book archive (CBZ), a PDF of its pages, a PDF contact sheet, or a ZIP bundle with everything "
    "that is known of the pictures."
)
CHOICES = ("as CBZ", "as PDF", "as a contact sheet", "as a ZIP bundle")


@dataclass
class Order:
    """What was said about an export. `scenes` is None where nothing was said, and empty for all of them."""

    formats: list[str] = field(default_factory=list)
    scenes: list[str] | None = None
    rest: dict[str, Any] = field(default_factory=dict)
    ask: Ask | None = None

    @property
    def said(self) -> bool:
        """Whether anything was."""
        return bool(self.formats or self.scenes is not None or self.rest)


def read(line: Line, world: World) -> Understood | None:
    """What is proposed, or None where no file is to be made."""
    if re.match(rf"{POLITE}(?:{_STEERS})(?: \S+){{0,4}}? exports?(?: e-\d+)?(?= |$)", line.text):
        return Say("exports_by_hand")
    verb = _begun(line)
    if verb is None:
        return None
    path = syncing.path_of(line)
    bucket = line.find(rf"(?:to|into|in|onto|on|with) (?:(?:the|our|my|its|your) )*(?:{syncing.BUCKET})")
    named = line.find(_ANY) or line.find(rf"{_LEADS}(?:{_OTHERS})")
    elsewhere = bucket or (path and not path.lower().endswith(tuple(_ENDINGS)))
    if verb != "zip" and not named and elsewhere and (brought := syncing.read(Line(line.raw), world)) is not None:
        return brought
    if bucket:
        what = "An export is one file on the daemon's machine; only pictures are brought to the bucket."
        return Ask(f"{what} Please leave the bucket out.", (), "")
    order = parsed(line, world)
    if order.ask is not None:
        return order.ask
    if not order.formats and verb == "zip":
        order.formats = ["FORMAT_BUNDLE"]
    if not order.formats:
        return Ask(_ASKED, CHOICES, SLOT)
    # `scene 2 as pdf and scene 3 as cbz` are two orders.
    if len(order.formats) > 1 and not re.search(rf"(?:{_ANY}) (?:and|,|plus|&)(?: and)? {_AS}(?:{_ANY})", line.text):
        return Ask("Please say each export in a sentence of its own.")
    if not world.scenes:
        return Say("no_scenes")
    calls = []
    for wanted in order.formats:
        spec = {"format": wanted, **({"scenes": order.scenes} if order.scenes else {}), **order.rest}
        if (ask := fits(spec)) is not None:
            return ask
        calls.append((model.EXPORT, {"spec": spec}))
    return Propose(tuple(calls))


def completed(before: str, answer: str) -> str:
    """The sentence with the format that was asked for."""
    before = re.sub(rf"(?i)(?<!\S)(?:{_LEADS})?(?:{_OTHERS})(?!\S)", " ", before)
    answer = re.sub(r"(?i)^(?:as |a |an |the |one )*comic ?(?:book)?$", "cbz", answer.strip().strip(".!?"))
    return f"{before.rstrip(' .!?')} {answer}"


def fits(spec: Mapping[str, Any]) -> Ask | None:
    """A question where the format cannot hold what was said."""
    if spec.get("allCandidates") and spec["format"] in PAGED:
        return Ask(
            "A comic book and a PDF of pages hold accepted pictures alone. All candidates go into a contact sheet or a "
            "ZIP bundle.",
            ("export a contact sheet with all candidates", "export a ZIP bundle with all candidates"),
            "",
        )
    if "layout" in spec and spec["format"] not in PAGED:
        what = "Panels are laid out on the pages of a comic book or of a PDF only."
        return Ask(what, ("export as CBZ, 2x3 panels a page", "export as PDF, 2x3 panels a page"), "")
    return None


def parsed(line: Line, world: World) -> Order:
    """What the line says about an export; `ask` where something of it was not understood."""
    order = Order()
    if (path := syncing.path_of(line)) and _take(line, path):
        order.rest["destination"] = path
    if titled := _TITLE.search(line.raw):
        order.rest["title"] = titled["t"].strip()
        line.take(rf"(?:(?:,|and) )*{_TITLED}(?: [:=])? \"[^\"]*\"")
    line.rest = picking.marked(without_own_name(line.rest, world), world)
    if len(world.project) > 2:
        own_name(line, world)
    _formats(line, order, path)
    if other := line.find(rf"{_LEADS}(?P<f>{_OTHERS})"):
        order.ask = Ask(f"I cannot make “{other['f']}”. {_ASKED}", CHOICES, SLOT)
        return order
    _pictures(line, order, world)
    _laid_out(line, order)
    if line.take(_OVERWRITE):
        order.rest["overwrite"] = True
    line.take(_OWN_FOLDER)
    if line.take(_WHOLE):
        order.scenes = []
    if order.ask is None:
        _scenes(line, order, world)
    order.ask = order.ask or leftover.unread(line, _FILLERS)
    return order


def _begun(line: Line) -> str | None:
    """What makes it an order for a file: `zip` names the format too, `make` needs one beside it."""
    polite = re.match(POLITE, line.rest)
    wished = polite is not None and re.search(r"\b(?:want|need|like|love|have)\b", polite[0]) is not None
    if polite is not None and polite.end():
        line.rest = line.rest[polite.end() :]
    if found := re.match(rf"(?P<z>{_ZIPS})(?: up)?(?= |$)(?! (?:of|file|archive|bundle))", line.rest):
        line.remove(0, found.end())
        line.rest = re.sub(r" up(?!\S)", "", line.rest)
        return "zip"
    if found := re.match(rf"(?:{_EXPORTS})(?: up)?(?= |$)", line.rest):
        line.remove(0, found.end())
        return "export"
    if found := re.match(
        rf"(?:(?:{_MAKES}) )?(?:(?:me|us|an?|the|another|new|full|quick) )*(?:(?:{_ANY}) )?(?=exports?(?: |$))",
        line.rest,
    ):
        verb = re.match(rf"(?:{_MAKES})(?= )", line.rest)
        line.take(r"exports?(?: of)?")
        if verb is not None:
            line.remove(0, verb.end())
        return "export"
    if found := re.match(rf"(?:{_MAKES})(?= )", line.rest):
        book = line.find(rf"(?:as|into|of it) {_BOOK}") or re.match(rf"{_BOOK}(?!\S)", line.rest[found.end() + 1 :])
        if not (line.find(_ANY) or book):
            return None
        line.remove(0, found.end())
        return "make"
    noun = re.match(rf"(?:(?:an?|the|one|another) )*(?:{_ANY})(?P<m>(?: (?:of|from|with|out of)(?= ))?)", line.rest)
    if noun is not None and (noun["m"] or wished):
        return "noun"
    return None


def _formats(line: Line, order: Order, path: str) -> None:
    for wanted, pattern in FORMATS.items():
        if line.take(rf"{_AS}(?:{pattern})(?: (?:format|form))?"):
            order.formats.append(wanted)
            while line.take(rf"{_AS}(?:{pattern})(?: (?:format|form))?"):
                pass
    if not order.formats:
        order.formats = [wanted for ending, wanted in _ENDINGS.items() if path.lower().endswith(ending)]


def _pictures(line: Line, order: Order, world: World) -> None:
    """Which picture of each scene: that of a stage, what post-process made, all candidates."""
    stages = stage_words(world)
    if found := line.take(
        rf"(?:(?:of|from|in|at|after|for) )?(?:(?:the|its) )*(?:(?P<s>{stages})(?: (?:stage|pass|lock|step))+|"
        rf"(?P<p>{stages})(?= {SCENE})|(?:stage|step) (?P<n>{stages}))"
    ):
        order.rest["stage"] = stage_called(found["s"] or found["p"] or found["n"], world)
    line.rest = re.sub(rf"(?<!\S)what(?:ever)? {_ACCEPTED}(?!\S)", "everything", line.rest)
    line.rest = re.sub(rf"(?<!\S){_ACCEPTED}(?!\S)", "", line.rest)
    line.rest, finished = re.subn(rf"(?<!\S){_FINISHED}(?!\S)", "", line.rest)
    if finished:
        order.rest["pictures"] = "PICTURES_FINISHED"
    line.rest = re.sub(r" {2,}", " ", line.rest)
    if line.take(_CANDIDATES):
        order.rest["allCandidates"] = True


def _laid_out(line: Line, order: Order) -> None:
    manga = line.take(_MANGA) is not None
    if found := line.take(_GRID):
        columns, rows = number(found["c"] or found["c2"]), number(found["r"] or found["r2"])
        if not (1 <= columns <= 8 and 1 <= rows <= 12):
            order.ask = Ask("A page has 1 to 8 panels beside each other, and 1 to 12 below each other.", (), "")
        order.rest["layout"] = {"columns": columns, "rows": rows, **({"rightToLeft": True} if manga else {})}
    elif manga:
        what = "From right to left is for several panels on a page. How many beside and below each other?"
        order.ask = Ask(what, ("2x3 panels a page", "2x2 panels a page"), "layout")


def _scenes(line: Line, order: Order, world: World) -> None:
    picked = picking.Picker(world, line).pick(bare=False)
    if picked.question:
        order.ask = Ask(picked.question, tuple(picked.choices), "scenes")
    elif picked.said:
        order.scenes = [] if picked.everything else [world.scene_name(slug) for slug in picked.slugs]


def _take(line: Line, path: str) -> bool:
    syncing.take_path(line, path)
    return path.lower() not in line.rest


def revised(said: Mapping[str, Any], text: str, world: World) -> Understood | None:
    """A card with another format, other scenes or another place; None where the text says nothing of it."""
    line = Line(text)
    order = parsed(line, world)
    if order.ask is not None or not order.said or len(order.formats) > 1:
        return None
    spec = {**said.get("spec", {}), **order.rest}
    if order.formats:
        spec["format"] = order.formats[0]
        # What the other format cannot hold is left behind, and a path with another ending too.
        spec.pop("layout" if spec["format"] not in PAGED else "allCandidates", None)
        spec = {**spec, **order.rest}
        if "destination" not in order.rest and spec.get("destination", "").lower().endswith(tuple(_ENDINGS)):
            spec.pop("destination")
    if order.scenes is not None:
        spec["scenes"] = order.scenes
    if not spec.get("scenes"):
        spec.pop("scenes", None)
    if spec == said.get("spec"):
        return None
    return fits(spec) or Propose(((model.EXPORT, {"spec": spec}),))
