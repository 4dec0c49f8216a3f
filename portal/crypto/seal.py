"""Secrets at rest: AES-256-GCM under a ring of named keys, bound to a context."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"SP1"
KEY_BYTES = 32
NONCE_BYTES = 12

_KID = re.compile(r"[A-Za-z0-9._-]{1,32}")


class BadKey(ValueError):
    """The text is no ring of keys. The words never repeat any of it."""


class CannotOpen(Exception):
    """The key is not on the ring, or the blob was altered or moved."""


class KeyRing:
    """Named keys; the first one seals, each of them opens what it sealed.

    A blob is magic, length of the key's name, the name, nonce, ciphertext with
    tag. Everything before the nonce is authenticated along with the context.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._ciphers = {kid: AESGCM(key) for kid, key in keys.items()}
        self._active = next(iter(keys))
        self._active_key = keys[self._active]

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """Read `kid:base64` entries, separated by commas or white space.

        Raises BadKey.
        """
        keys: dict[str, bytes] = {}
        for entry in re.split(r"[,\s]+", text.strip()):
            kid, _, encoded = entry.partition(":")
            if not _KID.fullmatch(kid):
                raise BadKey("has an entry that is not written as name:base64")
            if kid in keys:
                raise BadKey(f"names the key “{kid}” twice")
            keys[kid] = _key(kid, encoded)
        return cls(keys)

    @classmethod
    def ephemeral(cls) -> KeyRing:
        """A key of this process alone, for an installation that is locked."""
        return cls({"none": secrets.token_bytes(KEY_BYTES)})

    @property
    def active(self) -> str:
        return self._active

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._ciphers)

    def seal(self, plain: bytes, context: bytes) -> bytes:
        head = _head(self._active)
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._ciphers[self._active].encrypt(nonce, plain, head + context)
        return head + nonce + sealed

    def open(self, blob: bytes, context: bytes) -> bytes:
        """Raises CannotOpen."""
        kid, head = name_of(blob), _head(name_of(blob))
        cipher = self._ciphers.get(kid)
        if cipher is None:
            raise CannotOpen("The key that sealed this is not on the ring.")
        nonce = blob[len(head) : len(head) + NONCE_BYTES]
        sealed = blob[len(head) + NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, sealed, head + context)
        except (InvalidTag, ValueError):
            raise CannotOpen("This was sealed with another key, or altered.") from None

    def derive(self, purpose: str) -> bytes:
        """32 bytes from the active key, for one purpose (RFC 5869)."""
        kdf = HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose.encode())
        return kdf.derive(self._active_key)


def new_ring() -> str:
    """The text of a ring with one fresh key."""
    key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii")
    return f"k{secrets.token_hex(3)}:{key}"


def name_of(blob: bytes) -> str:
    """The name of the key that sealed a blob. Raises CannotOpen."""
    begins = len(MAGIC) + 1
    if not blob.startswith(MAGIC) or len(blob) < begins:
        raise CannotOpen("This is not a sealed secret.")
    name = blob[begins : begins + blob[len(MAGIC)]]
    try:
        return name.decode("ascii")
    except UnicodeDecodeError:
        raise CannotOpen("This is not a sealed secret.") from None


def _head(kid: str) -> bytes:
    return MAGIC + bytes([len(kid)]) + kid.encode("ascii")


def _key(kid: str, encoded: str) -> bytes:
    try:
        key = base64.b64decode(
            encoded.replace("-", "+").replace("_", "/"), validate=True
        )
    except (binascii.Error, ValueError):
        raise BadKey(f"has a key “{kid}” that is not base64") from None
    if len(key) != KEY_BYTES:
        raise BadKey(f"has a key “{kid}” of {len(key)} bytes instead of {KEY_BYTES}")
    return key
