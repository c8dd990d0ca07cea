"""What is remembered is taken out of anything, whatever stands around it, and nothing else is touched."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import event_pb2, project_pb2
from bullpend import redaction
from hypothesis import given
from hypothesis import strategies as st

from tests.vault.conftest import VALUE

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
PLACES = st.lists(st.one_of(WORDS, st.just(VALUE)), max_size=6)


@given(PLACES)
def test_a_masked_text_has_its_length_and_no_secret(parts: list[str]) -> None:
    """Masking changes no length in bytes and nothing besides the secret; a text without it is the very same."""
    redaction.forget_all()
    redaction.remember(VALUE, "x")
    text = "".join(parts)
    masked = redaction.mask(text)
    assert masked == text.replace(VALUE, "*" * len(VALUE))
    assert len(redaction.mask(text.encode())) == len(text.encode())
    assert VALUE not in redaction.redact(text)
    assert (masked is text) == (VALUE not in text)


@given(PLACES, WORDS)
def test_a_packed_message_stays_one(parts: list[str], title: str) -> None:
    """A message with a secret somewhere inside is read as before, with asterisks in its place."""
    redaction.forget_all()
    redaction.remember(VALUE, "x")
    story = "".join(parts)
    event = event_pb2.Event(project=project_pb2.Project(title=title, story=story))
    read = event_pb2.Event.FromString(redaction.mask(event.SerializeToString()))
    assert (read.project.title, read.project.story) == (title, story.replace(VALUE, "*" * len(VALUE)))


def test_the_longer_of_two_secrets_leaves_nothing_of_itself() -> None:
    """Where one secret begins with another, the longer one goes first."""
    redaction.remember(VALUE, "short")
    redaction.remember(f"{VALUE}-and-more", "long")
    assert redaction.redact(f"{VALUE}-and-more {VALUE}") == "[secret long] [secret short]"
    assert redaction.mask(f"{VALUE}-and-more") == "*" * len(f"{VALUE}-and-more")


@pytest.mark.parametrize("value", [None, 7, 1.5])
def test_what_is_no_text_passes(value: object) -> None:
    """Numbers and nothing are as they were."""
    redaction.remember(VALUE, "x")
    assert redaction.mask(value) is value


def test_a_word_is_no_secret() -> None:
    """What is too short to be told from words is not remembered."""
    with pytest.raises(ValueError, match="too short"):
        redaction.remember("harbour"[:7], "x")
