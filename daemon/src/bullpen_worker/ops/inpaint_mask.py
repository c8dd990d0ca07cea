"""Where an inpainting paints, as a mask of the source: white is made anew, black stays to the pixel.

Either boxes that a person or the manifest gives, or the place where the source and another picture of the same scene
differ: a figure that was put in before, and is to be made anew.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from bullpen_worker.engines.base import MaskSpec
from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.edited import find_edit
from bullpen_worker.ops.picture import open_picture
from bullpen_worker.ops.source import small, small_size

# A difference over more of the picture than this is no place but another picture.
_MOST = 0.6


def inpaint_mask(spec: MaskSpec, source: Image.Image, max_pixels: int) -> Image.Image:
    """The mask of an RGB source, mode L, of its size, with a soft border.

    Raises WorkerError: FIELD_INVALID where there is no place, PICTURE_… for the compared picture.
    """
    if spec.boxes:
        mask = Image.new("L", source.size)
        draw = ImageDraw.Draw(mask)
        for left, top, right, bottom in spec.boxes:
            corners = (left * source.width, top * source.height, right * source.width - 1, bottom * source.height - 1)
            draw.rectangle([round(corner) for corner in corners], fill=255)
    elif spec.compared_path:
        mask = _difference(source, open_picture(spec.compared_path, max_pixels))
    else:
        raise WorkerError(
            "FIELD_INVALID", "No place to paint is given.", "Give a box, or a scene that says where its character is."
        )
    radius = spec.feather * max(source.size)
    # Softened outwards only: what lies in the box is painted whole.
    return ImageChops.lighter(mask, mask.filter(ImageFilter.GaussianBlur(radius))) if radius > 0 else mask


def keep_outside(made: Image.Image, source: Image.Image, mask: Image.Image) -> Image.Image:
    """The made picture under the mask, the source elsewhere; all of one size."""
    return Image.composite(made, source, mask)


def _difference(source: Image.Image, other: Image.Image) -> Image.Image:
    size = small_size(source.size)
    edit = find_edit(small(other, size), small(source, size), _MOST)
    if edit is None:
        raise WorkerError(
            "FIELD_INVALID",
            "The two pictures differ nowhere in particular, so there is no place to paint.",
            "Give a box that says where to paint.",
        )
    return Image.fromarray((~edit.outside(source.size)).astype(np.uint8) * 255)
