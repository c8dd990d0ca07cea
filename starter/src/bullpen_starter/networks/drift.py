"""How far a picture has drifted from its reference, as one number from 0 to 1.

Two unit vectors have the similarity s (their dot product), and an encoder ships the threshold t below which two
pictures count as different. The drift is `(1 - s) / (2 (1 - t))`, at most 1: 0 for the same picture, 0.5 exactly at
the threshold, 1 from twice that distance on. So one rule, "above one half has drifted", serves every encoder.
"""

LIMIT = 0.5


def drift(similarity: float, threshold: float) -> float:
    """The drift of a picture whose best reference has this similarity (-1 to 1). The threshold lies below 1."""
    if not threshold < 1:
        raise ValueError(f"a threshold of {threshold} leaves no room for any difference")
    return min(1.0, max(0.0, (1 - similarity) / (2 * (1 - threshold))))
