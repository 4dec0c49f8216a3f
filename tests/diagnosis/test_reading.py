"""Codes are found where a reply was pasted, and nowhere else."""

from __future__ import annotations

import pytest

from portal.diagnosis.reading import Reading
from portal.diagnosis.reading import read as read_by
from portal.diagnosis.rules import book
from portal.diagnosis.types import Evidence


def read(evidence: Evidence) -> Reading:
    return read_by(evidence, book().vocabulary)


@pytest.mark.parametrize(
    ("text", "code", "enhanced"),
    [
        ("550 5.1.1 User unknown", 550, "5.1.1"),
        ("550-5.1.1 User\n550 5.1.1 unknown", 550, "5.1.1"),
        ("(535, b'5.7.8 Error: authentication failed')", 535, "5.7.8"),
        ("SMTP error: 454 4.7.0 try later", 454, "4.7.0"),
        ("sorry (#5.7.1)", None, "5.7.1"),
        ("421", 421, None),
        ("connect to 203.0.113.5 port 587 failed", None, None),
        ("550 blocked 5.2.1.9", 550, None),
        ("550 4.7.1 odd class", 550, None),
        ("Version 5.1.10.2", None, None),
        ("", None, None),
    ],
)
def test_a_pasted_reply_gives_its_codes(text, code, enhanced):
    reading = read(Evidence(text=text))

    assert (reading.code, reading.enhanced) == (code, enhanced)


def test_what_is_given_is_not_second_guessed():
    reading = read(Evidence(text="550 5.1.1 x", code=421, enhanced="4.3.2"))

    assert (reading.code, reading.enhanced) == (421, "4.3.2")


def test_an_exception_has_no_code_in_its_words():
    """“(_ssl.c:1006)” and port numbers are not replies."""
    reading = read(Evidence(text="535 in the words", exception="ssl.SSLError"))

    assert reading.code is None
    assert reading.exception == "SSLError"


def test_lines_are_joined_without_their_codes():
    reading = read(
        Evidence(text="5.7.26 The MAIL FROM\n5.7.26 has an SPF\n 550-record")
    )

    assert reading.words == "5.7.26 The MAIL FROM has an SPF record"


@pytest.mark.parametrize(
    ("evidence", "permanence"),
    [
        (Evidence(text="x", code=450), "4"),
        (Evidence(text="x", code=550, enhanced="5.1.1"), "5"),
        (Evidence(text="4.7.26 not signed"), "4"),
        (Evidence(text="reset by peer"), ""),
    ],
)
def test_the_class_comes_from_the_code_or_else_from_the_enhanced_one(
    evidence, permanence
):
    assert read(evidence).permanence == permanence
