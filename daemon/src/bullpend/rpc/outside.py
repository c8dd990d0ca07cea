"""What a request may say of services outside: their addresses, and the names of secrets for them.

Values of secrets never belong here. What looks like one is refused, and no error repeats what was given: it may be one.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from urllib.parse import SplitResult, urlsplit

from bullpend.errors import FieldInvalid
from bullpend.rpc.names import SLUG

MOST = 2000
_PREFIXES = ("sk-", "sk_", "pk_", "rk_", "key-", "ghp_", "hf_", "xox", "akia", "bearer")
# A long run of letters and digits, with a digit in it, is a key or a hash and no word.
_RANDOM = re.compile(r"(?=[a-z]*[0-9])[a-z0-9]{20,}")


def secret_names(values: Mapping[str, str], uses: Collection[str], field: str) -> dict[str, str]:
    """Checks names of secrets by what they are for. Raises FieldInvalid naming the entry, and never its value."""
    for use, name in values.items():
        if use not in uses:
            raise FieldInvalid(
                f"`{field}` has an entry that is for none of: {', '.join(uses)}.",
                field=field,
                remedy=f"Name secrets for {' or '.join(uses)} only.",
            )
        secret_name(name, f"{field}.{use}")
    return dict(values)


def secret_name(name: str, field: str) -> str:
    """Checks the name that a secret is kept under. Raises FieldInvalid, which does not repeat it."""
    if not SLUG.fullmatch(name) or name.startswith(_PREFIXES) or _RANDOM.search(name):
        raise FieldInvalid(
            f"`{field}` is not the name of a secret.",
            field=field,
            remedy="Give the name that a secret is kept under, 1–63 of a-z 0-9 _ -, such as openai-main; never "
            "the secret itself.",
        )
    return name


def address(value: str, field: str) -> str:
    """Checks an address: https, or http on this machine or in a private network; nothing secret in it.

    An empty one passes. Raises FieldInvalid, which does not repeat it.
    """
    if not value:
        return ""
    problem = _problem(value)
    if problem:
        raise FieldInvalid(
            f"`{field}` {problem}.",
            field=field,
            remedy="Give https://host or https://host/path; http:// is for this machine and private networks.",
        )
    return value


def _problem(value: str) -> str:
    if len(value) > MOST:
        return f"has more than {MOST} characters"
    if any(sign.isspace() or not sign.isprintable() for sign in value):
        return "holds a blank or a control character"
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no address"
    if parts.scheme not in ("http", "https") or not host:
        return "is no https:// address"
    if "@" in parts.netloc:
        return "holds a user or a password"
    if parts.query or parts.fragment or "?" in value or "#" in value:
        return "holds a query or a fragment"
    return "sends in clear over a public network" if parts.scheme == "http" and not _near(parts) else ""


def _near(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if host == "localhost":
        return True
    try:
        place = ipaddress.ip_address(host)
    except ValueError:
        return False
    return place.is_loopback or (place.is_private and not place.is_unspecified and not place.is_link_local)
