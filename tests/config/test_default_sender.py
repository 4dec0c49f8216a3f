"""The platform's default sender is one URL, read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.config import DefaultSender, Settings
from portal.errors import CannotStart
from portal.secret import Secret


def load(url: str, **more: str) -> DefaultSender:
    variables = {"PORTAL_DEFAULT_SENDER": url, **more}
    sender = Settings.load(variables, Path("/"), warn=pytest.fail).default_sender
    assert sender is not None
    return sender


def refusal(url: str) -> str:
    with pytest.raises(CannotStart) as caught:
        load(url)
    return caught.value.sentence


def test_every_part_is_read():
    sender = load(
        "smtp://kim%40x:p%2Fw@Mail.example.org:2587"
        "?from=The%20Portal%20<no+reply@example.org>&security=starttls&per_hour=300"
    )

    assert sender == DefaultSender(
        host="mail.example.org",
        port=2587,
        security="starttls",
        username="kim@x",
        password=Secret("p/w"),
        from_address="no+reply@example.org",
        from_name="The Portal",
        per_hour=300,
    )


@pytest.mark.parametrize(
    ("url", "security", "port"),
    [
        ("smtp://h.example?from=a@example.org", "starttls", 587),
        ("smtps://h.example?from=a@example.org", "tls", 465),
        ("smtp://h.example?from=a@example.org&security=tls", "tls", 465),
        ("smtp://h.example?from=a@example.org&security=none", "none", 25),
        ("smtps://h.example:2465?from=a@example.org", "tls", 2465),
    ],
)
def test_port_follows_the_security_that_is_asked(url, security, port):
    sender = load(url)

    assert (sender.security, sender.port) == (security, port)
    assert (sender.username, sender.password, sender.per_hour) == (None, None, None)


def test_ipv6_relay_is_written_in_brackets():
    assert load("smtp://[2001:DB8::1]:25?from=a@example.org").host == "2001:db8::1"


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.org",
        "http://h.example?from=a@example.org",
        "smtp://?from=a@example.org",
        "smtp://h.example/path?from=a@example.org",
        "smtp://h.example:0?from=a@example.org",
        "smtp://h.example:99999?from=a@example.org",
        "smtp://h.example",
        "smtp://h.example?from=nobody",
        "smtp://h.example?from=a@example.org&secure=yes",
        "smtp://h.example?from=a@example.org&from=b@example.org",
        "smtp://h.example?from=a@example.org&security=ssl",
        "smtps://h.example?from=a@example.org&security=none",
        "smtp://h.example?from=a@example.org&per_hour=many",
        "smtp://h.example?from=a@example.org&per_hour=0",
        "smtp://u@h.example?from=a@example.org",
        "smtp://u:p%0D%0Aq@h.example?from=a@example.org",
        "smtp://127.1?from=a@example.org",
    ],
)
def test_bad_url_is_one_sentence_that_names_the_variable(url):
    sentence = refusal(url)

    assert sentence.startswith("PORTAL_DEFAULT_SENDER")
    assert sentence.endswith(".")


def test_password_is_never_repeated():
    assert "hunter2" not in refusal("smtp://u:hunter2@h.example:0?from=a@example.org")
    assert "hunter2" not in refusal("imap://u:hunter2@h.example?from=a@example.org")


def test_password_without_tls_needs_the_operators_word():
    url = "smtp://u:p@old.example.org:25?from=a@example.org&security=none"

    assert "PORTAL_CLEARTEXT_AUTH" in refusal(url)
    assert load(url, PORTAL_CLEARTEXT_AUTH="old.example.org:25").username == "u"
