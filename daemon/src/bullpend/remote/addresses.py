"""Who may be spoken to: addresses on the public network, and others only where a setting says so.

A name is resolved once for each connection, every address that it gives is looked at, and the connection is made to
one of exactly these. So a name that answers otherwise a moment later (DNS rebinding) leads nowhere, and what was
looked at is what is spoken to. The server's certificate is still proved against the name.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from bullpend.errors import AddressNotAllowed

Place = ipaddress.IPv4Address | ipaddress.IPv6Address
# IPv6 networks that carry an IPv4 address in their last 32 bits (RFC 6052, RFC 8215).
_TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))


def meant(place: Place) -> Place:
    """The address that is reached in the end: an IPv4 one where it lies inside an IPv6 one."""
    if isinstance(place, ipaddress.IPv6Address):
        inner = place.ipv4_mapped or place.sixtofour
        if inner is None and place.teredo is not None:
            inner = place.teredo[1]
        if inner is None and any(place in network for network in _TRANSLATED):
            inner = ipaddress.IPv4Address(int(place) & 0xFFFFFFFF)
        if inner is not None:
            return inner
    return place


def allowed(address: str, allow_private: bool) -> bool:
    """Whether an IP address may be spoken to.

    With `allow_private` also this machine and private networks, but never link-local addresses (where clouds keep the
    keys of a machine), multicast or the unspecified one.
    """
    try:
        place = meant(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    if place.is_multicast or place.is_unspecified or place.is_link_local:
        return False
    # ::1 lies in a reserved network.
    if place.is_reserved and not place.is_loopback:
        return False
    return place.is_global or (allow_private and (place.is_loopback or place.is_private))


def check(url: str, allow_private: bool) -> None:
    """Refuses what can be refused by the look of an address. Names are resolved later, when it is spoken to.

    Raises AddressNotAllowed.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise refused("an address that is none") from None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        raise refused("no address of the web")
    if parts.scheme == "http" and not allow_private:
        raise refused(f"{host}, in clear")
    if (host == "localhost" or host.endswith((".localhost", ".local", ".internal"))) and not allow_private:
        raise refused(host)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return
    if not allowed(host, allow_private):
        raise refused(host)


def refused(what: str) -> AddressNotAllowed:
    """The refusal of an address; nothing was sent there."""
    return AddressNotAllowed(
        f"The provider's address leads to {what}, which is not spoken to; nothing was sent.", field="base_url"
    )
