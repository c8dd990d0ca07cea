"""AES-256-GCM over one secret (NIST SP 800-38D): a fresh nonce each time, bound to name, version and key.

A sealed value opens under its own name and version only: one row copied over another is noticed, and so is every
changed byte. Nothing that does not open is ever returned.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field

from bullpend.errors import ContentLost

KEY_BYTES = 32
NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A key of 32 bytes. Its id follows from it and tells nothing of it."""

    raw: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """Sixteen hexadecimal digits that name the key."""
        return hashlib.sha256(b"bullpen vault key\n" + self.raw).hexdigest()[:16]

    @classmethod
    def fresh(cls) -> MasterKey:
        """A new key, from the system's own source of chance."""
        return cls(os.urandom(KEY_BYTES))


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted value: which key, which nonce, ciphertext with its tag."""

    key_id: str
    nonce: bytes
    content: bytes


def seal(key: MasterKey, name: str, version: int, value: str) -> Sealed:
    """Encrypts a value for a name and version."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE_BYTES)
    content = AESGCM(key.raw).encrypt(nonce, value.encode(), _bound(key, name, version))
    return Sealed(key.id, nonce, content)


def unseal(key: MasterKey, name: str, version: int, sealed: Sealed) -> str:
    """The clear value. Raises ContentLost where anything was changed since it was sealed."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key.raw).decrypt(sealed.nonce, sealed.content, _bound(key, name, version)).decode()
    except (InvalidTag, ValueError):
        raise ContentLost(
            f"The stored secret {name} is damaged and does not open.",
            remedy=f"Set it anew with `bullpen vault set {name}`.",
            resource=f"secrets/{name}",
        ) from None


def _bound(key: MasterKey, name: str, version: int) -> bytes:
    return f"bullpen secret 1\n{key.id}\n{name}\n{version}".encode()
