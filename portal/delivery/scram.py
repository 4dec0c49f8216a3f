"""SCRAM: signing in without sending the password (RFC 5802, RFC 7677)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import stringprep
import unicodedata

HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-1": "sha1"}
MAX_ITERATIONS = 1_000_000  # a hostile relay asks for hours of hashing

_FIRST = re.compile(r"r=([^,]+),s=([A-Za-z0-9+/=]+),i=([0-9]{1,9})(?:,.*)?")
_FINAL = re.compile(r"v=([A-Za-z0-9+/=]+)(?:,.*)?")
_NO_BINDING = "n,,"  # no channel binding, no other identity


class NotAsAgreed(Exception):
    """The relay's side of the exchange is wrong; the text says how."""


class Scram:
    """The client's side: `first`, `final`, `check`, in this order."""

    def __init__(
        self, mechanism: str, user: str, password: str, nonce: str | None = None
    ) -> None:
        self._hash = HASHES[mechanism]
        self._password = prepared(password).encode()
        self._nonce = nonce or secrets.token_urlsafe(24)
        name = prepared(user).replace("=", "=3D").replace(",", "=2C")
        self._bare = f"n={name},r={self._nonce}"
        self._proof = b""

    def first(self) -> str:
        return _NO_BINDING + self._bare

    def final(self, challenge: str) -> str:
        """Our proof. Takes long: the relay says how often to hash.

        Raises NotAsAgreed.
        """
        match = _FIRST.fullmatch(challenge)
        if match is None:
            raise NotAsAgreed("its challenge cannot be read")
        nonce, salt, count = match[1], _bytes(match[2]), int(match[3])
        if not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise NotAsAgreed("its nonce does not continue ours")
        if not 1 <= count <= MAX_ITERATIONS:
            raise NotAsAgreed(f"it asks for {count:,} rounds of hashing")
        salted = hashlib.pbkdf2_hmac(self._hash, self._password, salt, count)
        binding = base64.b64encode(_NO_BINDING.encode()).decode()
        bare = f"c={binding},r={nonce}"
        signed = f"{self._bare},{challenge},{bare}".encode()
        key = self._hmac(salted, b"Client Key")
        stored = hashlib.new(self._hash, key).digest()
        signature = self._hmac(stored, signed)
        proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        self._proof = self._hmac(self._hmac(salted, b"Server Key"), signed)
        return f"{bare},p={base64.b64encode(proof).decode()}"

    def check(self, answer: str) -> None:
        """The relay's proof that it knows the password too. Raises NotAsAgreed."""
        match = _FINAL.fullmatch(answer)
        if match is None or not hmac.compare_digest(_bytes(match[1]), self._proof):
            raise NotAsAgreed("its own proof is wrong")

    def _hmac(self, key: bytes, text: bytes) -> bytes:
        return hmac.new(key, text, self._hash).digest()


def prepared(text: str) -> str:
    """SASLprep (RFC 4013) of text that a person typed; what it forbids stays as it
    is, so that the relay, not we, refuses it."""
    mapped = "".join(
        " " if stringprep.in_table_c12(c) else c
        for c in text
        if not stringprep.in_table_b1(c)
    )
    return unicodedata.normalize("NFKC", mapped)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise NotAsAgreed("its answer is not base64") from error
