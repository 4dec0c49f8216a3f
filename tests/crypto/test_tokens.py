"""Tokens are random and stand in tables as fingerprints."""

from __future__ import annotations

import hashlib

from portal.crypto.tokens import fingerprint, new_token, same


def test_tokens_are_long_and_never_alike():
    made = {new_token() for _ in range(100)}

    assert len(made) == 100
    assert {len(token) for token in made} == {43}


def test_fingerprint_is_sha_256_in_hex():
    assert fingerprint("abc") == hashlib.sha256(b"abc").hexdigest()


def test_comparison_takes_any_text():
    assert same("a", "a")
    assert not same("a", "é")
    assert not same("a", "\ud800")
