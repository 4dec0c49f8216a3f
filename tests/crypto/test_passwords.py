"""Slow hashes: the right password fits, everything else does not."""

from __future__ import annotations

import pytest

from portal.crypto import passwords


def test_right_password_fits_and_a_wrong_one_does_not():
    phc = passwords.hash_password("correct horse")

    assert phc.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.verify_password("correct horse", phc)
    assert not passwords.verify_password("Correct horse", phc)


def test_same_password_has_two_hashes():
    assert passwords.hash_password("x") != passwords.hash_password("x")


def test_any_text_is_a_password():
    """Also what UTF-8 does not encode: half a surrogate pair, typed or not."""
    for text in ("", "pässwörd", "\ud800", "a" * 1000, "nul\0nul"):
        assert passwords.verify_password(text, passwords.hash_password(text))


def test_scrypt_is_verified_where_it_was_used():
    """OpenSSL before 3.2 has no Argon2; its hashes move along with the database."""
    phc = passwords.scrypt("correct horse")

    assert phc.startswith("$scrypt$ln=17,r=8,p=1$")
    assert passwords.verify_password("correct horse", phc)
    assert not passwords.verify_password("wrong horse", phc)


@pytest.mark.parametrize("phc", ["", "x", "$argon2id$", "$scrypt$ln=1", "$2b$12$abc"])
def test_text_that_is_no_hash_fits_nothing(phc):
    assert not passwords.verify_password("", phc)


def test_hash_for_nobody_is_a_whole_hash():
    """Else a sign-in with an unknown address would be answered sooner."""
    assert passwords.DUMMY_HASH.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not passwords.verify_password("", passwords.DUMMY_HASH)


def test_first_guesses_are_known():
    assert passwords.is_guessable("Password1234")
    assert passwords.is_guessable("aaaaaaaaaaaa")
    assert not passwords.is_guessable("correct horse battery staple")


def test_words_around_are_guesses_too():
    assert not passwords.is_guessable("harbourpass-ostrava")
    assert passwords.is_guessable(
        "harbourpass-ostrava", ["harbourpass", "harbourpass-ostrava"]
    )
