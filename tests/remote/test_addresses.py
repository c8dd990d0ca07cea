"""Who may be spoken to, by the look of an address and by what its name resolves to."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from bullpend.errors import AddressNotAllowed
from bullpend.remote import addresses
from bullpend.remote import exchange as exchanges
from bullpend.remote.exchange import Limits, NotSent, Outgoing, exchange
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.support.providers import KEY, Provider

LIMITS = Limits(connect_seconds=60.0, answer_seconds=60.0, whole_seconds=180.0)


@pytest.mark.parametrize(
    ("address", "public", "private"),
    [
        ("93.184.216.34", True, True),
        ("2606:4700::1111", True, True),
        ("127.0.0.1", False, True),
        ("10.1.2.3", False, True),
        ("192.168.0.7", False, True),
        ("::1", False, True),
        ("fd00::7", False, True),
        ("169.254.169.254", False, False),
        ("fe80::1%eth0", False, False),
        ("0.0.0.0", False, False),
        ("224.0.0.1", False, False),
        ("240.0.0.1", False, False),
        ("100.64.0.1", False, False),
        # Private addresses in the dress of public ones.
        ("::ffff:127.0.0.1", False, True),
        ("::ffff:169.254.169.254", False, False),
        ("64:ff9b::a00:1", False, True),
        ("2002:7f00:1::", False, True),
        ("no address", False, False),
    ],
)
def test_which_addresses_are_spoken_to(address: str, public: bool, private: bool) -> None:
    """Public ones always, this machine and private networks where allowed, link-local and odd ones never."""
    assert addresses.allowed(address, False) is public
    assert addresses.allowed(address, True) is private


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/v1",
        "https://[::1]/v1",
        "https://localhost/v1",
        "https://metadata.internal/v1",
        "http://api.example/v1",
        "ftp://api.example/v1",
        "https://user@api.example/v1",
        "https://api.example:99999/v1",
        "https://",
    ],
)
def test_what_is_refused_by_its_look(url: str) -> None:
    """Addresses of this machine, in clear, or of another kind are refused before anything is resolved."""
    with pytest.raises(AddressNotAllowed):
        addresses.check(url, False)


async def test_a_name_that_leads_into_a_private_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each address that a name gives is looked at: one private among public ones is enough, and nothing is sent."""

    async def resolve(host: str, port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.7"]

    monkeypatch.setattr(exchanges, "resolve", resolve)
    with pytest.raises(AddressNotAllowed, match=r"api.example \(10.0.0.7\)"):
        await exchange(Outgoing("https://api.example/v1"), {}, LIMITS)


async def test_what_was_looked_at_is_what_is_spoken_to(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is resolved once for a call and the connection goes to that answer: a second one is never asked for."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.255.255.1"]

    monkeypatch.setattr(exchanges, "resolve", resolve)
    url = provider.address.replace("127.0.0.1", "api.example") + "/v1/segment"
    files = (("image_file", ("a.png", b"", "image/png")),)
    limits = Limits(connect_seconds=60.0, allow_private=True)
    provider.release.set()
    with pytest.raises(exchanges.Lost):
        # An empty picture breaks the local provider, which is all that is needed of it here.
        await exchange(Outgoing(url, files=files), {"x-api-key": KEY}, limits)
    assert asked == ["api.example"]
    (call,) = provider.calls
    assert call.headers["host"].startswith("api.example:")


async def test_a_name_that_nobody_knows_was_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name without an address, or one that cannot be resolved, is a request that never left."""

    async def nothing(host: str, port: int) -> list[str]:
        return []

    async def broken(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    for resolve in (nothing, broken):
        monkeypatch.setattr(exchanges, "resolve", resolve)
        with pytest.raises(NotSent):
            await exchange(Outgoing("https://api.example/v1"), {}, LIMITS)


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    """The server's certificate is proved against the name before a byte of key or picture goes out."""
    heard = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set()
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NotSent, match=r"(?i)certificate"):
            await exchange(Outgoing(f"https://127.0.0.1:{port}/v1"), {"x-api-key": KEY}, Limits(allow_private=True))
    assert not heard.is_set()


def self_signed(folder: Path) -> Path:
    """A certificate with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "server.pem"
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path
