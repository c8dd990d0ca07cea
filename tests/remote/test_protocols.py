"""The documented protocols of providers: what is sent, byte for byte where it matters, and what is charged for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from bullpend.costs.model import Money
from bullpend.errors import ProviderRefused
from bullpend.remote.catalogue import Catalogue
from bullpend.remote.model import Account, Upload

from tests.remote.desk import SETTINGS, Desk
from tests.support.pictures import write_picture
from tests.support.providers import KEY, USAGE_MICROS, Provider


async def test_an_edit_is_charged_by_its_tokens_and_booked_once(desk: Desk) -> None:
    """The picture is kept as it came, the row says ANSWERED, the ledger has one line with the price of the usage."""
    paid = await desk.paying.pay(desk.order())
    assert paid.path.read_bytes().startswith(b"\x89PNG")
    assert paid.amount == Money("USD", USAGE_MICROS)
    (row,), (cost,) = await desk.rows(), await desk.costs()
    assert (row["state"], row["charged"], row["sendings"]) == ("ANSWERED", 1, 1)
    assert row["provider_request_id"] == "req_local"
    assert (cost["key"], cost["outcome"], cost["amount_micros"]) == (row["slug"], "CHARGED", USAGE_MICROS)
    (call,) = desk.provider.charged
    assert call.path == "/images/edits"
    assert call.fields == {
        "model": "gpt-image-1",
        "prompt": "warmer, please",
        "n": "1",
        "size": "64x64",
        "quality": "medium",
    }
    assert call.files["image[]"].startswith(b"\x89PNG")
    assert call.idempotency_key == row["idempotency_key"]


async def test_a_generation_sends_no_picture(desk: Desk) -> None:
    """Without a picture to start from it is a generation, as JSON."""
    await desk.paying.pay(desk.order(upload=None))
    (call,) = desk.provider.charged
    assert call.path == "/images/generations"
    assert call.files == {}
    assert call.fields["prompt"] == "warmer, please"


@pytest.mark.parametrize(
    ("service", "path", "micros"),
    [("photoroom", "/v1/segment", 20_000), ("remove_bg", "/v1.0/removebg", 200_000)],
)
async def test_cutouts_speak_their_protocols(desk: Desk, service: str, path: str, micros: int) -> None:
    """The picture goes as `image_file` with the key in X-Api-Key; what is charged is booked by images or credits."""
    paid = await desk.paying.pay(desk.cutout(service))
    (call,) = desk.provider.charged
    assert (call.path, set(call.files), call.headers["x-api-key"]) == (path, {"image_file"}, KEY)
    assert paid.amount == Money("USD", micros)


async def test_masks_and_pictures_that_steer_go_along_as_documented(desk: Desk, tmp_path: Path) -> None:
    """The picture to edit goes first among `image[]`, those that steer behind it in order, then the `mask` of the
    first; each of them makes another request of it.
    """
    names = ("first", "second", "mask")
    uploads = {
        name: Upload(write_picture(tmp_path / f"{name}.png", seed, 32, 32), f"{seed}" * 64)
        for seed, name in enumerate(names, 2)
    }
    order = desk.order(references=(uploads["first"], uploads["second"]), mask=uploads["mask"])
    await desk.paying.pay(order)
    (call,) = desk.provider.charged
    assert (call.path, [name for name, _ in call.parts]) == ("/images/edits", ["image[]", "image[]", "image[]", "mask"])
    assert order.upload is not None
    sent = (order.upload, *(uploads[name] for name in names))
    assert [content for _, content in call.parts] == [one.path.read_bytes() for one in sent]
    contents = {order.content, replace(order, mask=None).content, replace(order, references=()).content}
    assert len(contents) == 3


async def test_a_server_of_one_s_own_may_need_no_key(desk: Desk, provider: Provider) -> None:
    """An account of OpenAI's protocol without a key sends none; the page's example of such a model is a good one."""
    page = (SETTINGS.parent / "docs" / "paid-requests.md").read_text()
    example = page.split("```json\n", 1)[1].split("```", 1)[0]
    (desk.folder / "remote.json").write_text(example)
    desk.paying.catalogue = Catalogue([desk.folder])
    account = Account("projects/p/providerAccounts/own", "openai_compatible", provider.address)
    entry = desk.paying.catalogue.entry("openai_compatible:own-edit")
    order = desk.order(model="models/openai_compatible:own-edit", account=account, parameters=entry.parameters)
    with pytest.raises(ProviderRefused, match="401"):
        # The local provider wants one; what matters is what it was sent.
        await desk.paying.pay(order)
    (call,) = provider.calls
    assert "authorization" not in call.headers
    assert (call.fields["model"], call.fields["response_format"]) == ("own-edit", "b64_json")
