"""Ideas are found in words of any shape, and belong together only when near."""

from __future__ import annotations

import pytest

from portal.diagnosis.meaning import Meaning, Saying, regular, vocabulary

WORDS = vocabulary(
    {
        "user": ["user", "empf(?:ae|a)nger", "收件人"],
        "unknown": ["unknown", "not found", "unbekannt", "不存在"],
        "spam": ["spam"],
    }
)


def says(text: str, pattern: str) -> bool:
    return Meaning(text, WORDS).says(Saying.of(pattern))


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("RecipientNotFound", "recipient not found"),
        ("DEPTH_ZERO_SELF_SIGNED_CERT", "depth zero self signed cert"),
        ("Empfänger  unbekannt", "empfanger unbekannt"),
        ("<spam@unknown.example>: no", "@ : no"),
        ("from [192.0.2.7] and 2001:db8::25", "from [ ip ] and ip"),
        ("version 5.1.1 at 10:05:00", "version 5.1.1 at 10:05:00"),
    ],
)
def test_a_text_is_made_regular(given, plain):
    assert regular(given) == plain


@pytest.mark.parametrize(
    ("text", "pattern", "is_said"),
    [
        ("550 User unknown", "user > unknown", True),
        ("550 unknown user", "user > unknown", False),
        ("550 unknown user", "user ~ unknown", True),
        ("UserNotFound", "user > unknown", True),
        ("Empfänger unbekannt", "user > unknown", True),
        ("收件人不存在", "user > unknown", True),
        ("The user is fine. Unknown error", "user ~ unknown", False),
        ("The user is fine. Unknown error", "user & unknown", True),
        (f"user {'x' * 61} unknown", "user > unknown", False),
        ("superuser", "user", False),
        ("spam@example.org", "spam", False),
        ("", "user", False),
    ],
)
def test_ideas_belong_together_when_near_and_in_one_sentence(text, pattern, is_said):
    assert says(text, pattern) is is_said
