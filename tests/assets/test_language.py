"""The language of searches: what its parts mean, and slips that point at their column."""

from __future__ import annotations

import pytest
from bullpend.assets.language import FIELDS, MOST_CHARACTERS, Either, Fact, Span, Term, Words, parse
from bullpend.errors import SearchInvalid
from hypothesis import given
from hypothesis import strategies as st

RAIN, FOG = Words(("rain",)), Words(("fog",))


def either(*choices: list[Term]) -> Either:
    """One of these fits."""
    return Either(tuple(tuple(one) for one in choices))


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("   ", []),
        ("rain", [Words(("rain",))]),
        ("rai*", [Words(("rai",), prefix=True)]),
        ('"Wet  street"', [Words(("Wet", "street"))]),
        ("r-0042", [Words(("r", "0042"))]),
        ("-draft !old", [Words(("draft",), excluded=True), Words(("old",), excluded=True)]),
        ('prompt:"by the pier"', [Words(("by", "the", "pier"), "prompt")]),
        ("stage:Weather,time", [Fact("stage", ("weather", "time"), False)]),
        ('-tag:"two words"', [Fact("tag", ("two words",), True, True)]),
        ("KIND:post", [Fact("kind", ("postprocess",), True)]),
        ("rating:>3", [Span("rating", 4, None)]),
        ("rating:<=3", [Span("rating", None, 3)]),
        ("rating:3", [Span("rating", 3, 3)]),
        ("width:512..1024", [Span("width", 512, 1024)]),
        ("height:..512", [Span("height", None, 512)]),
        ("date:2026-02", [Span("date", "2026-02-01", "2026-02-28")]),
        ("date:2026", [Span("date", "2026-01-01", "2026-12-31")]),
        ("date:>2026-11", [Span("date", "2026-12-01", None)]),
        ("date:<2026-11-20", [Span("date", None, "2026-11-19")]),
        ("date:2026-11-01..2026-11", [Span("date", "2026-11-01", "2026-11-30")]),
        ("date:9999", [Span("date", "9999-01-01", "9999-12-31")]),
        ("rain OR fog", [either([RAIN], [FOG])]),
        ("rain | fog OR night", [either([RAIN], [FOG], [Words(("night",))])]),
        ("rain OR fog rating:3", [either([RAIN], [FOG]), Span("rating", 3, 3)]),
        ("rain AND fog", [RAIN, FOG]),
        ("(rain fog)", [RAIN, FOG]),
        ("(rain rating:3) OR fog", [either([RAIN, Span("rating", 3, 3)], [FOG])]),
        ("NOT rain", [Words(("rain",), excluded=True)]),
        ("-(rain OR fog)", [Either(((either([RAIN], [FOG]),),), True)]),
        ("NOT (rain fog)", [Either(((RAIN, FOG),), True)]),
        ("or and not", [Words(("or",)), Words(("and",)), Words(("not",))]),
        ("pier(2).png", [Words(("pier", "2", "png"))]),
        ("(name:pier(2))", [Words(("pier", "2"), "name")]),
        ("(stage:time,style)", [Fact("stage", ("time", "style"), False)]),
    ],
)
def test_parts(text: str, terms: list[Term]) -> None:
    """Words, phrases, facts, spans, and what is left out."""
    assert list(parse(text)) == terms


@pytest.mark.parametrize(
    ("text", "column", "length", "words"),
    [
        ("rain stge:x", 6, 4, "Did you mean stage:?"),
        ("rain xyzzy:x", 6, 5, "There are kind, tag"),
        ("rating:good", 8, 4, "rating:>3"),
        ("rating:²", 8, 1, "takes a number"),
        ("rating:99999999999999999999999", 8, 23, "takes a number"),
        ("rating:1,2", 10, 1, "3..5"),
        ("rain date:2026-13", 11, 7, "year, month or day"),
        ("date:..", 6, 2, "wants an end"),
        ("kind:sketch", 6, 6, "source, reference, candidate"),
        ("is:ratd", 4, 4, "Did you mean rated?"),
        ("stage:>time", 7, 1, "has no order"),
        ('rain "open', 6, 5, "not closed"),
        ('"a"b', 4, 1, "comes a blank"),
        ("rain -", 6, 1, "left out"),
        ("tag:", 5, 1, "what to look for"),
        ("tag:a,,b", 7, 1, "what to look for"),
        ("name:a,b", 7, 1, "no commas"),
        ("***", 1, 3, "no letter or digit"),
        ("a\x00b", 2, 1, "cannot"),
        ("x" * (MOST_CHARACTERS + 5), MOST_CHARACTERS + 1, 5, "at most"),
        ("a " * 51, 101, 1, "at most 50 parts"),
        ("rain OR", 6, 2, "nothing after it"),
        ("OR rain", 1, 2, "between two parts"),
        ("rain OR OR fog", 9, 2, "between two parts"),
        ("rain AND", 6, 3, "between two parts"),
        ("rain NOT", 6, 3, "left out"),
        ("night (rain OR fog", 7, 1, "not closed"),
        ("rain) fog", 5, 1, "No bracket is open"),
        ("rain ) fog", 6, 1, "No bracket is open"),
        ("rain ()", 6, 2, "nothing between"),
        ("(rain)fog", 7, 1, "comes a blank"),
        ("(" * 9 + "a" + ")" * 9, 9, 1, "8 deep"),
        ("(rain OR stge:x)", 10, 4, "Did you mean stage:?"),
    ],
)
def test_slips_point_at_their_column(text: str, column: int, length: int, words: str) -> None:
    """The error names the field `filter`, where the slip begins, how long it is, and what would do."""
    with pytest.raises(SearchInvalid) as raised:
        parse(text)
    assert raised.value.field == "filter"
    assert raised.value.metadata == {"column": str(column), "length": str(length)}
    assert words in raised.value.message
    assert raised.value.remedy


_PIECES = st.sampled_from(
    [
        *(f"{field}:" for field in FIELDS),
        '"',
        "-",
        "!",
        ",",
        "..",
        ">",
        "<=",
        "*",
        " ",
        ":",
        "(",
        ")",
        " OR ",
        " NOT ",
        "|",
    ]
)


@given(st.lists(st.one_of(_PIECES, st.text(max_size=6)), max_size=12).map("".join))
def test_any_text_is_read_or_refused_in_its_bounds(text: str) -> None:
    """Whatever is typed: terms, or a slip whose column lies in the text or right behind it."""
    try:
        assert len(parse(text)) <= 50
    except SearchInvalid as slip:
        column, length = int(slip.metadata["column"]), int(slip.metadata["length"])
        assert 1 <= column <= len(text) + 1
        assert length >= 1
