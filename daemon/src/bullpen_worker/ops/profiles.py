"""Brings a picture into sRGB, in which everything here reckons, by the colour profile in its file (ICC.1:2022).

A telephone's Display P3 or a photographer's Adobe RGB would look dull without, and inks (CMYK) wrong. A profile that
says sRGB, or is of no use, leaves every byte as it is.
"""

from __future__ import annotations

import io

from PIL import Image, ImageCms

# A profile of tables has some hundred kilobytes; more than this is no profile of a picture.
_MOST_BYTES = 8 << 20
_MODES = ("RGB", "RGBA", "CMYK")


def to_srgb(image: Image.Image) -> Image.Image:
    """The picture with its colours in sRGB, as RGB or RGBA; itself where nothing is to be done. Alpha stays."""
    data = image.info.get("icc_profile")
    if not isinstance(data, bytes) or not 0 < len(data) <= _MOST_BYTES or image.mode not in _MODES:
        return image
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours = image.convert("RGB") if alpha is not None else image
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        if "srgb" in ImageCms.getProfileDescription(profile).lower():
            return image
        made = ImageCms.profileToProfile(colours, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    if made is None:
        return image
    if alpha is not None:
        made.putalpha(alpha)
    return made
