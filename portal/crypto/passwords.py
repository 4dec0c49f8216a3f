"""Passwords as slow hashes: Argon2id, or scrypt where OpenSSL lacks it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import threading
from collections.abc import Iterable

from cryptography.exceptions import InvalidKey, UnsupportedAlgorithm
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

# OWASP Password Storage: 19 MiB, two passes, one lane.
MEMORY_KIB, PASSES, LANES = 19456, 2, 1
SALT_BYTES, HASH_BYTES = 16, 32
GUESSED_BELOW = 2  # of zxcvbn's scores 0 to 4

# A crowd at the door must not take all processors and memory.
_at_once = threading.BoundedSemaphore(4)
_SCRYPT = re.compile(
    r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([^$]+)\$([^$]+)"
)


def hash_password(password: str) -> str:
    """A PHC string with its own salt."""
    with _at_once:
        try:
            return Argon2id(
                salt=os.urandom(SALT_BYTES),
                length=HASH_BYTES,
                iterations=PASSES,
                lanes=LANES,
                memory_cost=MEMORY_KIB,
            ).derive_phc_encoded(_bytes(password))
        except UnsupportedAlgorithm:  # OpenSSL before 3.2
            return scrypt(password)


def verify_password(password: str, phc: str) -> bool:
    """False for a wrong password and for a text that is no hash."""
    with _at_once:
        if phc.startswith("$scrypt$"):
            return _verify_scrypt(password, phc)
        try:
            Argon2id.verify_phc_encoded(_bytes(password), phc)
        except (InvalidKey, ValueError):
            return False
        return True


def is_guessable(password: str, around: Iterable[str] = ()) -> bool:
    """Whether fewer than 10^6 guesses find it (ASVS 6.2.4, 6.2.11).

    `around` are words an attacker knows: the name, the address, the tenant.
    """
    # Its lists of words take long to import, and only a new password needs them.
    from zxcvbn import zxcvbn

    # The estimate grows with the square of the length; 72 characters tell enough.
    verdict = zxcvbn(password[:72], user_inputs=[word for word in around if word])
    return int(verdict["score"]) < GUESSED_BELOW


def scrypt(password: str) -> str:
    """OWASP's N=2^17, r=8, p=1, written as a PHC string."""
    salt = os.urandom(SALT_BYTES)
    derived = _scrypt(password, salt, 17, 8, 1)
    return f"$scrypt$ln=17,r=8,p=1${_b64(salt)}${_b64(derived)}"


def _verify_scrypt(password: str, phc: str) -> bool:
    match = _SCRYPT.fullmatch(phc)
    if match is None:
        return False
    ln, r, p = (int(match[n]) for n in (1, 2, 3))
    derived = _scrypt(password, _unb64(match[4]), ln, r, p)
    return hmac.compare_digest(derived, _unb64(match[5]))


def _scrypt(password: str, salt: bytes, ln: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(
        _bytes(password),
        salt=salt,
        n=1 << ln,
        r=r,
        p=p,
        maxmem=256 * 1024 * 1024,
        dklen=HASH_BYTES,
    )


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii").rstrip("=")


def _unb64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))


# Verified against when there is no such person, so that the answer takes as long.
DUMMY_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$45MNrPJbbd6WQJSaVArqWw"
    "$eAW1Gdx9gCCTceOKuWZHOLiE+9EOHjgxanFVcqM391I"
)
