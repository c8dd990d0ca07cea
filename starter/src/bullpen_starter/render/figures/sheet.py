"""Model sheets: what an artist pins above the desk to draw a hero the same on every page."""

from PIL import Image, ImageDraw

from bullpen_starter.render.figures.paint import extra_colour
from bullpen_starter.render.figures.stand import Size, close_up
from bullpen_starter.render.palette import CLOTH, HAIR, SKIN
from bullpen_starter.render.spec import Character

PAPER = (240, 237, 228)
ROWS = (("standing", "calm"), ("waving", "smiling"), ("pointing", "angry"), ("walking", "sad"))


def _on_paper(who: Character, size: Size) -> Image.Image:
    layer = close_up(who, size)
    paper = Image.new("RGB", size, PAPER)
    paper.paste(layer, (0, 0), layer)
    return paper


def portrait(who: Character, size: Size = (128, 128)) -> Image.Image:
    """A reference picture of one hero on plain paper: standing calm, unless the character says otherwise.

    Raises `ValueError` for a size below 32 pixels.
    """
    if min(size) < 32:
        raise ValueError(f"a portrait needs at least 32 by 32 pixels, not {size[0]} by {size[1]}")
    return _on_paper(who.doing(who.pose or "standing", who.expression or "calm"), size)


def reference_sheet(who: Character, size: Size = (512, 512)) -> Image.Image:
    """A model sheet: the hero four times, each in another pose and mood, above a strip of its colours.

    Four in a row where the sheet is at least twice as wide as high, two by two otherwise.
    Raises `ValueError` for a size below 96 pixels.
    """
    width, height = size
    if min(size) < 96:
        raise ValueError(f"a model sheet needs at least 96 by 96 pixels, not {width} by {height}")
    columns = 4 if width >= 2 * height else 2
    strip = max(8, height // 16)
    cell = (width // columns, (height - strip) // (4 // columns))
    sheet = Image.new("RGB", size, PAPER)
    for number, (pose, mood) in enumerate(ROWS):
        at = (number % columns * cell[0], number // columns * cell[1])
        sheet.paste(_on_paper(who.doing(pose, mood), cell), at)
    colours = [CLOTH[who.colour], HAIR[who.hair]]
    if who.build != "robot":
        colours.append(SKIN[who.skin])
    if who.accessory != "none":
        colours.append(extra_colour(who))
    draw = ImageDraw.Draw(sheet)
    for number, colour in enumerate(colours):
        x0, x1 = width * number // len(colours), width * (number + 1) // len(colours)
        draw.rectangle((x0, height - strip, x1, height), fill=colour)
    return sheet
