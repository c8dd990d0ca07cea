"""Paid requests: what is charged is recorded, what is not known says so, and nothing is paid twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from bullpend.costs.model import Money
from bullpend.db import Tx
from bullpend.errors import (
    AddressNotAllowed,
    PaidOutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    StateConflict,
)
from bullpend.remote import ledger
from bullpend.remote.exchange import Limits
from bullpend.remote.model import PAID_TABLE, PaidState, Resolution

from tests.remote.desk import IMPATIENT, LIMITS, Desk, open_desk
from tests.support.providers import KEY, USAGE_MICROS, Provider, Way


async def test_the_same_confirmation_is_not_paid_twice(desk: Desk) -> None:
    """What was answered under a confirmation is given again without a call."""
    first = await desk.paying.pay(desk.order())
    second = await desk.paying.pay(desk.order())
    assert second == first
    assert len(desk.provider.calls) == 1


async def test_two_at_once_are_one_call(desk: Desk) -> None:
    """Who asks for the same while it is under way gets the same answer; for another under the same consent, none."""
    desk.provider.ways = [Way(fault="hang")]
    first = asyncio.create_task(desk.paying.pay(desk.order()))
    await asyncio.to_thread(desk.provider.heard.wait)
    with pytest.raises(StateConflict):
        await desk.paying.pay(desk.order(prompt="colder, please"))
    second = asyncio.create_task(desk.paying.pay(desk.order()))
    await asyncio.sleep(0)
    desk.provider.release.set()
    assert await first == await second
    assert len(desk.provider.calls) == 1


async def test_a_key_that_cannot_be_sent_was_not_sent(desk: Desk) -> None:
    """A key with signs that no header takes costs nothing and is not repeated in any word."""

    async def odd(account: object) -> dict[str, str]:
        return {"api_key": "schlüssel\nnext: line"}

    desk.paying.accounts.keys = odd  # type: ignore[method-assign]
    with pytest.raises(ProviderUnavailable) as refused:
        await desk.paying.pay(desk.order())
    assert "schlüssel" not in str(refused.value)
    (row,) = await desk.rows()
    assert (row["state"], row["charged"]) == ("FAILED", 0)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, {"error": {"message": "Your request was rejected by the safety system."}}),
        (401, {"error": {"message": "Incorrect API key provided."}}),
        (402, {"errors": [{"title": "Insufficient credits"}]}),
        (403, {}),
        (413, {}),
    ],
)
async def test_a_refusal_costs_nothing_and_is_not_repeated(desk: Desk, status: int, words: dict[str, object]) -> None:
    """A refusal is one call, FAILED and not charged; the ledger has no line, and the person reads what was said."""
    desk.provider.ways = [Way(status=status, body=words)]
    with pytest.raises(ProviderRefused) as refused:
        await desk.paying.pay(desk.order())
    assert refused.value.metadata["status"] == str(status)
    assert refused.value.remedy
    (row,) = await desk.rows()
    assert (row["state"], row["charged"], row["http_status"]) == ("FAILED", 0, status)
    assert await desk.costs() == []
    assert len(desk.provider.calls) == 1


async def test_words_of_a_refusal_reach_the_person(desk: Desk) -> None:
    """The provider's own sentence is in the message, on one line."""
    desk.provider.ways = [Way(status=402, body={"errors": [{"title": "Insufficient\ncredits"}]})]
    with pytest.raises(ProviderRefused, match=r"Insufficient credits \(HTTP 402\)"):
        await desk.paying.pay(desk.cutout("remove_bg"))


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_provider_is_asked_again_after_the_time_it_names(desk: Desk, status: int) -> None:
    """429 and 503 take nothing: the same, under the same idempotency key, is sent again; one charge, one line."""
    busy = Way(status=status, headers={"retry-after": "0.05"}, body={"error": {"message": "slow down"}})
    desk.provider.ways = [busy, busy]
    await desk.paying.pay(desk.order())
    assert len(desk.provider.calls) == 3
    assert len({call.idempotency_key for call in desk.provider.calls}) == 1
    assert len(desk.provider.charged) == len(await desk.costs()) == 1
    (row,) = await desk.rows()
    assert (row["state"], row["sendings"]) == ("ANSWERED", 3)


async def test_a_wait_beyond_the_patience_ends_it(desk: Desk) -> None:
    """A provider that asks for an hour is not waited for; the error says how long, and nothing was charged."""
    desk.provider.ways = [Way(status=429, headers={"retry-after": "3600"})]
    with pytest.raises(ProviderUnavailable) as busy:
        await desk.paying.pay(desk.order())
    assert busy.value.metadata["retry_after"] == "3600"
    (row,) = await desk.rows()
    assert (row["state"], row["charged"]) == ("FAILED", 0)


async def test_an_account_without_money_is_not_asked_again(desk: Desk) -> None:
    """OpenAI says 429 also where the quota is used up; that does not pass by waiting."""
    said = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
    desk.provider.ways = [Way(status=429, body=said)]
    with pytest.raises(ProviderRefused):
        await desk.paying.pay(desk.order())
    assert len(desk.provider.calls) == 1


@pytest.mark.parametrize("fault", ["half", "wrong_type", "no_picture", "giant", "gzip_bomb", "drop", "hang"])
async def test_an_answer_that_is_lost_is_of_unknown_outcome(desk: Desk, fault: str) -> None:
    """Whatever breaks after it was sent: one call, UNKNOWN, booked as what it may have cost, and said aloud."""
    if fault == "hang":
        desk.paying._limits = IMPATIENT
    desk.provider.ways = [Way(fault=fault)]
    with pytest.raises(PaidOutcomeUnknown) as unknown:
        await desk.paying.pay(desk.order())
    assert await asyncio.to_thread(desk.provider.heard.wait, 60)
    (row,), (cost,) = await desk.rows(), await desk.costs()
    assert row["state"] == "UNKNOWN"
    assert row["charged"] is None
    assert row["slug"] in unknown.value.remedy
    assert (cost["outcome"], cost["estimate_micros"], cost["amount_micros"]) == ("UNKNOWN", 46_970, None)
    assert [event.kind for event in desk.events] == ["paid_request.unknown"]
    assert len(desk.provider.calls) == 1


async def test_a_server_error_says_nothing_of_money(desk: Desk) -> None:
    """500 may come after a charge: unknown. A provider that says itself that it charged nothing is heard."""
    desk.provider.ways = [Way(status=500, body={"error": {"message": "oops"}}, charged=True)]
    with pytest.raises(PaidOutcomeUnknown):
        await desk.paying.pay(desk.order())
    desk.provider.ways = [Way(status=500, headers={"x-credits-charged": "0"})]
    with pytest.raises(ProviderRefused):
        await desk.paying.pay(desk.cutout("remove_bg"))
    assert [row["state"] for row in await desk.rows()] == ["UNKNOWN", "FAILED"]


async def test_nothing_more_of_a_run_is_sent_while_one_outcome_is_unknown(desk: Desk) -> None:
    """The next candidate of the run is refused without a call until a person has resolved the first."""
    desk.provider.ways = [Way(fault="drop")]
    with pytest.raises(PaidOutcomeUnknown):
        await desk.paying.pay(desk.order())
    other = desk.order(confirmation="projects/p/runs/r/jobs/j-001/candidates/c-2")
    with pytest.raises(PaidOutcomeUnknown):
        await desk.paying.pay(other)
    assert len(desk.provider.calls) == 1
    (row,) = await desk.rows()
    await desk.database.write(
        lambda tx: ledger.resolve(tx, row["slug"], Resolution.CHARGED, Money("USD", 42_000), "invoice")
    )
    (cost,) = await desk.costs()
    assert (cost["outcome"], cost["amount_micros"]) == ("CHARGED", 42_000)
    await desk.paying.pay(other)
    # The first confirmation bought nothing, and is used up all the same.
    with pytest.raises(StateConflict):
        await desk.paying.pay(desk.order())
    assert len(desk.provider.calls) == 2


async def test_a_request_that_was_not_charged_after_all_may_be_made(desk: Desk) -> None:
    """Resolved as not charged the ledger says free, and the confirmation still holds."""
    desk.provider.ways = [Way(fault="drop", charged=False)]
    with pytest.raises(PaidOutcomeUnknown):
        await desk.paying.pay(desk.order())
    (row,) = await desk.rows()
    await desk.database.write(lambda tx: ledger.resolve(tx, row["slug"], Resolution.NOT_CHARGED, None, ""))
    with pytest.raises(StateConflict):
        await desk.database.write(lambda tx: ledger.resolve(tx, row["slug"], Resolution.CHARGED, None, ""))
    await desk.paying.pay(desk.order())
    assert [cost["outcome"] for cost in await desk.costs()] == ["FREE", "CHARGED"]
    assert len(desk.provider.charged) == 1


async def test_who_leaves_is_still_charged_and_booked(desk: Desk) -> None:
    """Ending the wait does not end the call: its answer is taken in, and the next order gets it."""
    desk.provider.ways = [Way(fault="hang")]
    waiting = asyncio.create_task(desk.paying.pay(desk.order()))
    await asyncio.to_thread(desk.provider.heard.wait)
    waiting.cancel()
    desk.provider.release.set()
    await desk.paying.close(60.0)
    (row,) = await desk.rows()
    assert row["state"] == "ANSWERED"
    await desk.paying.pay(desk.order())
    assert len(desk.provider.calls) == 1


async def test_a_provider_that_is_not_there_was_sent_nothing(tmp_path: Path) -> None:
    """A refused connection is tried again a few times and costs nothing."""
    with Provider() as gone:
        address = gone.address
    desk = open_desk(tmp_path, gone, patience=0.4)
    try:
        account = desk.order().account
        assert account.base_url == address
        with pytest.raises(ProviderUnavailable, match="cannot be reached"):
            await desk.paying.pay(desk.order())
        (row,) = await desk.rows()
        assert (row["state"], row["charged"]) == ("FAILED", 0)
    finally:
        desk.database.close()


async def test_this_machine_is_spoken_to_only_where_a_setting_allows_it(tmp_path: Path, provider: Provider) -> None:
    """Without `allow_private_addresses` a provider on loopback is refused before anything is written down."""
    desk = open_desk(tmp_path, provider, Limits(allow_private=False))
    try:
        with pytest.raises(AddressNotAllowed):
            await desk.paying.pay(desk.order())
        assert await desk.rows() == []
        assert provider.calls == []
    finally:
        desk.database.close()


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("http://169.254.169.254/latest/meta-data", AddressNotAllowed),
        ("https://other.example/v1", ProviderRefused),
        ("/elsewhere", ProviderRefused),
    ],
)
async def test_a_redirect_is_never_followed(desk: Desk, location: str, error: type[Exception]) -> None:
    """Neither key nor picture goes where an answer points; one that points into a private network says so."""
    desk.provider.ways = [Way(status=307, headers={"location": location})]
    with pytest.raises(error):
        await desk.paying.pay(desk.order())
    assert len(desk.provider.calls) == 1
    (row,) = await desk.rows()
    assert (row["state"], row["charged"]) == ("FAILED", 0)


async def test_without_a_word_on_usage_the_estimate_is_booked(desk: Desk) -> None:
    """A server of OpenAI's protocol that tells no tokens is booked as estimated, and the line says so."""
    desk.provider.ways = [Way(body={"usage": None})]
    paid = await desk.paying.pay(desk.order())
    assert paid.amount == Money("USD", 46_970)
    (cost,) = await desk.costs()
    assert "estimated" in cost["note"]


async def test_recovery_makes_of_each_row_what_is_known(tmp_path: Path, provider: Provider) -> None:
    """After a death: not sent is FAILED, sent is UNKNOWN, and an answer that lies on the disk is booked."""
    desk = open_desk(tmp_path, provider)
    paid = await desk.paying.pay(desk.order())
    slug = paid.request.removeprefix("paidRequests/")

    def died(tx: Tx) -> None:
        tx.run("UPDATE paid_requests SET state = 'SENT', charged = NULL, answer_kept = 0")
        tx.run("DELETE FROM cost_events")
        ledger.prepare(tx, desk.order(confirmation="x2", run=""), "prepared", "00")
        ledger.prepare(tx, desk.order(confirmation="x3", run=""), "sent", "00")
        ledger.sent(tx, "sent")

    try:
        await desk.database.write(died)
        assert await desk.paying.recover() == 1
        rows = {row["slug"]: row for row in await desk.rows()}
        assert {name: row["state"] for name, row in rows.items()} == {
            slug: "ANSWERED",
            "prepared": "FAILED",
            "sent": "UNKNOWN",
        }
        assert rows[slug]["actual_micros"] == USAGE_MICROS
        assert {cost["key"]: cost["outcome"] for cost in await desk.costs()} == {slug: "CHARGED", "sent": "UNKNOWN"}
        assert (await desk.paying.pay(desk.order())).path == paid.path
        assert len(provider.calls) == 1
    finally:
        desk.database.close()


async def test_old_answers_are_forgotten(desk: Desk) -> None:
    """A month after it was paid for, an answer that nobody took is deleted; the row stays."""
    paid = await desk.paying.pay(desk.order())
    await desk.database.write(lambda tx: tx.run("UPDATE paid_requests SET end_time = end_time - 31 * 86400"))
    await desk.paying.forget()
    assert not paid.path.exists()
    (row,) = await desk.rows()
    assert (row["state"], row["answer_kept"]) == ("ANSWERED", 0)


async def test_every_pair_of_states_is_in_the_table_or_refused(desk: Desk) -> None:
    """Each state leads where the table says, and every other step raises and changes nothing."""
    moves: dict[PaidState, Callable[[Tx], object]] = {
        PaidState.PREPARED: lambda tx: ledger.not_taken(tx, "x", "", ""),
        PaidState.SENT: lambda tx: ledger.sent(tx, "x"),
        PaidState.ANSWERED: lambda tx: ledger.answered(tx, "x", ledger.Kept(Money("USD", 1), {}, "", 200)),
        PaidState.FAILED: lambda tx: ledger.failed(tx, "x", "", ""),
        PaidState.UNKNOWN: lambda tx: ledger.lost(tx, "x", "gone"),
    }
    await desk.database.write(lambda tx: ledger.prepare(tx, desk.order(), "x", "00"))
    for source, targets in PAID_TABLE.items():
        for target, move in moves.items():

            def begin(tx: Tx, state: PaidState = source) -> None:
                tx.run("UPDATE paid_requests SET state = ?", state.value)
                tx.run("DELETE FROM cost_events")

            await desk.database.write(begin)
            if target in targets:
                await desk.database.write(move)
                expected = target
            else:
                with pytest.raises(StateConflict):
                    await desk.database.write(move)
                expected = source
            (row,) = await desk.rows()
            assert row["state"] == expected


async def test_the_key_is_written_nowhere(desk: Desk) -> None:
    """Neither database nor kept answers hold the key, whatever came of the calls."""
    desk.provider.ways = [Way(), Way(status=402, body={"detail": "no"}), Way(fault="drop")]
    await desk.paying.pay(desk.order())
    for number in (2, 3):
        with pytest.raises((ProviderRefused, PaidOutcomeUnknown)):
            await desk.paying.pay(desk.order(confirmation=f"c{number}"))
    desk.database.close()
    for path in desk.folder.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
    desk.database = open_desk(desk.folder, desk.provider).database


def test_limits_are_those_of_a_patient_person() -> None:
    """The defaults leave a slow provider minutes, and bound what is read."""
    limits = Limits()
    assert limits.answer_seconds >= 180
    assert limits.most_bytes < 1 << 30
    assert not limits.allow_private
    assert LIMITS.allow_private
