"""What SASLprep makes of user names and passwords, before SCRAM is chosen."""

from __future__ import annotations

import pytest

from portal.delivery.preparing import fits, keeps

PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))


@pytest.mark.parametrize(
    ("user", "password", "fit", "kept"),
    [
        ("app", PRINTABLE, True, True),  # RFC 3454 has nothing to say of these
        ("app", "", True, True),
        ("", "open sesame", False, True),
        ("\u00ad", "open sesame", False, False),  # nothing is left of a soft hyphen
        ("app", "caf\u00e9", True, True),
        ("app", "\u2168", True, False),  # RFC 4013 §3: the ninth Roman number is IX
        ("app", "\N{GLOVES}", False, False),  # younger than the tables
        ("app", "bell\a", False, False),
        ("app\x7f", "open sesame", False, False),
    ],
)
def test_what_is_typed_has_a_form_or_not(user, password, fit, kept):
    assert (fits(user, password), keeps(user, password)) == (fit, kept)
