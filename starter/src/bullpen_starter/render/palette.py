"""Colours: what each material looks like in the two palettes, what light each time of day gives, what heroes wear."""

from dataclasses import dataclass

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Material:
    """Two albedos between which a seed mixes, and how much the surface mirrors when wet."""

    warm: Colour
    cool: Colour
    wet: float = 0.0


MATERIALS: dict[str, Material] = {
    "sky": Material((150, 205, 240), (150, 205, 240)),
    "hill": Material((150, 176, 132), (126, 160, 184)),
    "sea": Material((70, 158, 176), (62, 112, 186), 0.7),
    "wood": Material((196, 138, 84), (146, 140, 128), 0.35),
    "dark_wood": Material((128, 80, 50), (84, 88, 96), 0.2),
    "stone": Material((206, 194, 170), (164, 178, 194), 0.4),
    "paving": Material((188, 174, 150), (150, 160, 176), 0.8),
    "brick": Material((200, 92, 66), (92, 140, 152)),
    "plaster": Material((240, 208, 140), (170, 206, 186)),
    "paint": Material((222, 124, 84), (104, 142, 206)),
    "roof": Material((170, 66, 56), (70, 84, 124)),
    "metal": Material((132, 132, 136), (112, 126, 148), 0.3),
    "dark": Material((56, 50, 58), (44, 54, 74)),
    "cloth_a": Material((232, 76, 60), (60, 128, 200)),
    "cloth_b": Material((250, 242, 222), (236, 244, 250)),
    "cloth_c": Material((246, 186, 60), (116, 190, 120)),
    "leaf": Material((130, 160, 70), (70, 142, 116)),
    "glass": Material((92, 112, 128), (84, 108, 140)),
    "hull": Material((196, 62, 54), (48, 104, 160)),
    "sail": Material((252, 240, 214), (240, 246, 250)),
}


@dataclass(frozen=True, slots=True)
class Light:
    """One time of day: sky from top to horizon, the colour of light and of shadow, paper tint, sun or moon."""

    zenith: Colour
    horizon: Colour
    lit: tuple[float, float, float]
    shadow: tuple[float, float, float]
    tint: Colour
    disc: Colour
    disc_at: tuple[float, float]
    glow: float


LIGHTS: dict[str, Light] = {
    "dawn": Light(
        (168, 160, 216),
        (255, 206, 204),
        (1.0, 0.82, 0.86),
        (0.66, 0.52, 0.68),
        (255, 212, 220),
        (255, 244, 220),
        (0.2, 0.3),
        0.25,
    ),
    "day": Light(
        (92, 172, 236),
        (206, 236, 250),
        (1.0, 1.0, 0.98),
        (0.62, 0.64, 0.74),
        (252, 250, 240),
        (255, 252, 214),
        (0.74, 0.12),
        0.0,
    ),
    "dusk": Light(
        (116, 66, 128),
        (255, 150, 66),
        (1.0, 0.66, 0.42),
        (0.5, 0.3, 0.42),
        (255, 186, 120),
        (255, 226, 130),
        (0.8, 0.32),
        0.7,
    ),
    "night": Light(
        (14, 20, 56),
        (44, 62, 118),
        (0.34, 0.44, 0.76),
        (0.12, 0.16, 0.36),
        (120, 146, 214),
        (240, 242, 226),
        (0.24, 0.14),
        1.0,
    ),
}

LAMP: Colour = (255, 214, 110)

HAIR: dict[str, Colour] = {
    "black": (38, 32, 40),
    "red": (206, 62, 24),
    "blonde": (250, 208, 84),
    "white": (240, 240, 246),
}
CLOTH: dict[str, Colour] = {
    "red": (222, 36, 44),
    "yellow": (252, 202, 24),
    "blue": (34, 92, 220),
    "green": (34, 150, 70),
    "purple": (140, 52, 178),
}
SKIN: dict[str, Colour] = {
    "pale": (252, 212, 180),
    "brown": (158, 98, 62),
}
EXTRAS: tuple[Colour, ...] = (
    (255, 132, 24),
    (20, 196, 196),
    (250, 84, 168),
    (250, 246, 236),
    (172, 226, 40),
)
RISO: dict[str, tuple[Colour, Colour]] = {
    "dawn": ((255, 116, 172), (92, 104, 206)),
    "day": ((255, 104, 60), (0, 136, 150)),
    "dusk": ((255, 72, 88), (98, 48, 150)),
    "night": ((255, 84, 168), (16, 30, 96)),
}

STORM_BAND: dict[str, Colour] = {
    "dawn": (255, 170, 196),
    "day": (212, 224, 158),
    "dusk": (252, 160, 76),
    "night": (66, 92, 142),
}
