"""The remote models: names, prices, sizes, and mistakes in the file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bullpen_api.v1 import system_pb2
from bullpend.costs.model import Money
from bullpend.errors import FieldInvalid, ModelNotFound, SettingInvalid
from bullpend.remote import catalogue
from bullpend.remote.catalogue import Catalogue
from bullpend.remote.diagnosis import OLD_DAYS, aged, check
from bullpend.remote.engine import quote
from bullpend.remote.exchange import Reply
from bullpend.remote.providers import PROVIDERS
from bullpend.remote.providers.base import Unusable

from tests.remote.desk import SETTINGS, Desk, copy_settings

IMAGES = PROVIDERS["openai"]
DEEP = b"[" * 9999


def test_every_model_of_the_settings_has_a_dated_price_and_a_protocol() -> None:
    """What is shipped can be planned with: a positive estimate, a day, a protocol, and a way to find the price."""
    for name, entry in Catalogue([SETTINGS]).entries().items():
        assert entry.provider in PROVIDERS, name
        assert entry.price.expected().micros > 0, name
        assert entry.price.source.startswith("https://"), name
        words = catalogue.price_words(entry)
        assert entry.price.as_of in words
        assert entry.price.source in words
        assert entry.price.assumption in words


def test_what_is_assumed_of_a_price_is_said_before_it_is_paid() -> None:
    """remove.bg sells credits by plan: the rate is an assumption, and the quote that a person confirms says so."""
    entry = Catalogue([SETTINGS]).entry("remove_bg:removebg")
    assert "assumed" in entry.price.assumption
    assert entry.price.assumption in quote(entry).words
    assert "assum" not in quote(Catalogue([SETTINGS]).entry("photoroom:segment")).words


def test_a_price_that_is_old_is_told_by_the_doctor() -> None:
    """Half a year after it was looked up, and not before; what is dated later is not old."""
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
    days = {"a": "2026-05-24", "b": "2026-05-23", "c": "2027-01-01", "d": "2025-12-31"}
    assert aged(days, noon) == ["b", "d"]


async def test_the_doctor_names_the_models_of_old_prices(desk: Desk) -> None:
    """A warning with what to do; today's prices give none."""
    known = Catalogue([SETTINGS])
    day = max(entry.price.as_of for entry in known.entries().values())
    looked_up = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
    fresh = await check(desk.database, known, looked_up + 86_400)
    old = await check(desk.database, known, looked_up + (OLD_DAYS + 2) * 86_400)
    assert [fresh.status, old.status] == [system_pb2.Check.STATUS_OK, system_pb2.Check.STATUS_WARNING]
    assert "openai:gpt-image-1" in old.message
    assert "remote.json" in old.remedy


def test_pictures_that_steer_are_priced_each() -> None:
    """A quote with two of them has the units of two more pictures, and the words have what the settings say."""
    entry = Catalogue([SETTINGS]).entry("openai:gpt-image-1")
    alone, steered = quote(entry), quote(entry).steered(2)
    assert steered.each.micros - alone.each.micros == 2 * 3_230
    assert entry.price.expected("", 2).micros - entry.price.expected("").micros == 2 * 3_230
    assert entry.words("warmer", "rain", 1).splitlines()[1] == "Avoid: rain"
    assert entry.words("warmer", "", 0) == "warmer"


def test_gpt_image_1_costs_what_openai_says() -> None:
    """A square picture of medium quality is about four cents, a wide one about six: the output is most of it."""
    price = Catalogue([SETTINGS]).entry("openai:gpt-image-1").price
    assert price.cost({"output_tokens": 1056}) == Money.of("USD", "0.04224")
    assert price.cost({"output_tokens": 1568}) == Money.of("USD", "0.06272")
    assert price.expected("1536x1024").micros > price.expected("1024x1024").micros


@pytest.mark.parametrize(
    ("wanted", "size"),
    [((512, 512), (1024, 1024)), ((960, 640), (1536, 1024)), ((640, 1000), (1024, 1536)), ((512, 500), (1024, 1024))],
)
def test_the_nearest_shape_is_asked_for(wanted: tuple[int, int], size: tuple[int, int]) -> None:
    """A provider has few sizes; the one whose shape is nearest is taken."""
    assert Catalogue([SETTINGS]).entry("openai:gpt-image-1").size_for(*wanted) == size


def test_names_with_and_without_an_account() -> None:
    """A remote name has its provider before a colon, and perhaps who pays behind an @."""
    assert catalogue.is_remote("models/openai:gpt-image-1")
    assert catalogue.is_remote("openai:gpt-image-1@studio")
    assert not catalogue.is_remote("models/starter-edit")
    assert not catalogue.is_remote("/home/me/a:b")
    assert catalogue.split("models/openai:gpt-image-1@harbor/studio") == ("openai:gpt-image-1", "harbor/studio")
    with pytest.raises(FieldInvalid):
        catalogue.split("models/starter-edit")


def test_a_home_replaces_a_price_and_adds_a_model(tmp_path: Path) -> None:
    """One's own rate counts over the shipped one; a model without a price is not known."""
    data = json.loads((copy_settings(tmp_path) / "remote.json").read_text())
    own = data["models"]["openai:gpt-image-1"]
    own["price"]["rates"]["output_tokens"]["amount"] = "20.00"
    added = {**own, "provider": "openai_compatible", "model": "own-model"}
    content = {"schema_version": 1, "models": {"openai:gpt-image-1": own, "openai_compatible:own": added}}
    (tmp_path / "remote.json").write_text(json.dumps(content))
    known = Catalogue([SETTINGS, tmp_path])
    assert known.entry("openai:gpt-image-1").price.cost({"output_tokens": 1_000_000}) == Money.of("USD", 20)
    assert known.model("models/openai_compatible:own@a").name == "models/openai_compatible:own@a"
    assert "photoroom:segment" in known.entries()
    with pytest.raises(ModelNotFound, match="known price"):
        known.entry("openai:gpt-9")


def test_a_mistake_is_named_by_its_path(tmp_path: Path) -> None:
    """A wrong amount, an unknown key and broken JSON are refused with the place."""
    path = copy_settings(tmp_path) / "remote.json"
    for old, new, place in (
        ('"amount": "0.02"', '"amount": "-1"', "models.photoroom:segment.price.rates.images.amount"),
        ('"provider": "photoroom"', '"provider": "else"', "models.photoroom:segment.provider"),
        ('"schema_version": 1', '"schema_version": 1, "oops": 1', "oops"),
    ):
        path.write_text((SETTINGS / "remote.json").read_text().replace(old, new, 1))
        with pytest.raises(SettingInvalid) as wrong:
            Catalogue([tmp_path]).entries()
        assert wrong.value.field == place
    path.write_text("{")
    with pytest.raises(SettingInvalid):
        Catalogue([tmp_path]).entries()
    assert Catalogue([tmp_path]).models() == (), "what runs here is not held up by it"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"data": []}',
        b'{"data": [{"b64_json": 7}]}',
        b'{"data": [{"b64_json": "%%"}]}',
        b"[" * 9999,
    ],
)
def test_odd_answers_of_a_success_are_no_picture(body: bytes) -> None:
    """Whatever a success holds, it is a picture or `Unusable`, and never another error."""
    with pytest.raises(Unusable):
        IMAGES.read(Reply(200, {"content-type": "application/json"}, body))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[[[", b'{"error": 1}', b'{"errors": {}}', b"\xff" * 100])
def test_odd_refusals_have_words(provider: str, body: bytes) -> None:
    """Whatever a refusal holds, it has words for a person."""
    said = PROVIDERS[provider].refusal(Reply(418, {}, body))
    assert said.words == "it gives no reason"
    assert not said.again
    assert PROVIDERS[provider].refusal(Reply(429, {}, body)).words == "it is too busy"
