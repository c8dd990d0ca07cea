"""`bullpen vault status`: what is said of the key."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import vault_pb2
from bullpen_cli.command import State
from bullpen_cli.vault import show_status

STATUS = vault_pb2.VaultStatus


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (STATUS(), "none yet: the first secret makes one"),
        (STATUS(lost={"361dc98a": 2}), "not here"),
        (STATUS(key_id="361dc98a", current=1), "361dc98a"),
    ],
)
def test_a_lost_key_is_not_one_that_never_was(
    status: vault_pb2.VaultStatus, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where secrets wait for a key that is not here, no new one is promised: the first secret would be refused."""
    show_status(State(), status)
    assert capsys.readouterr().out.splitlines()[0] == f"master key           {words}"


def test_the_lost_key_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """By its id and with what to do."""
    show_status(State(), STATUS(lost={"361dc98a": 2}, key_source="/home/vault.key"))
    said = capsys.readouterr()
    assert "2 secrets sealed with 361dc98a, a key that is not here" in said.out
    assert "/home/vault.key" in said.err
