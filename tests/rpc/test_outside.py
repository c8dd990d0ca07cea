"""Names of secrets and addresses of services: what passes, what does not, and that no error repeats it."""

from __future__ import annotations

import pytest
from bullpend.errors import FieldInvalid
from bullpend.rpc import outside


@pytest.mark.parametrize("name", ["openai", "openai-main", "photoroom_2026", "a" * 19, "key-ring-of-rosa"[4:]])
def test_names_pass(name: str) -> None:
    """Short words with dashes are names."""
    assert outside.secret_names({"api_key": name}, ("api_key",), "f") == {"api_key": name}


@pytest.mark.parametrize(
    "value",
    [
        "",
        "sk-proj-abc",
        "sk_live_abc",
        "hf_abcdefghij",
        "AKIAIOSFODNN7EXAMPLE",
        "0123456789abcdef0123456789abcdef",
        "d41d8cd98f00b204e9800998ecf8427e",
        "main-d41d8cd98f00b204e980",
        "wJalrXUtnFEMI/K7MDENG",
        "two words",
        "a" * 64,
    ],
)
def test_secrets_do_not(value: str) -> None:
    """What looks like a key is refused by its entry, and is not in the error."""
    with pytest.raises(FieldInvalid) as refused:
        outside.secret_names({"api_key": value}, ("api_key",), "account.secret_names")
    assert refused.value.field == "account.secret_names.api_key"
    assert not value or value not in f"{refused.value.message} {refused.value.remedy} {refused.value.metadata}"


def test_entry_for_nothing_is_refused() -> None:
    """A secret pasted as the key of the map is not repeated either."""
    with pytest.raises(FieldInvalid) as refused:
        outside.secret_names({"sk-proj-abc": "x"}, ("api_key",), "f")
    assert "sk-proj" not in f"{refused.value.message} {refused.value.field}"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://api.openai.com/v1",
        "https://host:8443",
        "http://localhost:8188",
        "http://127.0.0.1:9000/x",
        "http://[::1]:8188",
        "http://192.168.1.20:8188",
        "http://10.0.0.7",
    ],
)
def test_addresses_pass(address: str) -> None:
    """A secure address anywhere, a clear one near by."""
    assert outside.address(address, "f") == address


@pytest.mark.parametrize(
    "address",
    [
        "api.openai.com",
        "ftp://host",
        "https://",
        "https:///path",
        "http://api.openai.com",
        "http://8.8.8.8",
        "http://0.0.0.0:80",
        "http://169.254.169.254/latest",
        "https://user:pass@host",
        "https://token@host",
        "https://host/?key=1",
        "https://host/#x",
        "https://host/a b",
        "https://host\n",
        "https://host:99999",
        "https://[::1",
        "https://" + "x" * 2000,
    ],
)
def test_bad_addresses_do_not(address: str) -> None:
    """What is no address, sends in clear, or holds more than an address, is refused without repeating it."""
    with pytest.raises(FieldInvalid) as refused:
        outside.address(address, "f")
    assert refused.value.field == "f"
    assert address == "https://" or address not in refused.value.message
