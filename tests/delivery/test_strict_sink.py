"""Any mail that a caller can ask for: refused by name, or exactly it at a strict sink.

A few hundred mails in CI; `STRICT_MAILS=20000 pytest tests/delivery/test_strict_sink.py`
tries more.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import os
from collections.abc import Iterator
from datetime import UTC, datetime

import dkim
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.address import BadAddress, Named, parse_named
from portal.crypto.signing import ED25519, RSA, new_key, public_record
from portal.delivery.conversation import always, converse
from portal.delivery.types import FailureKind, Outcome
from portal.errors import Invalid
from portal.mail.compose import compose, recipients
from portal.mail.render import render
from portal.mail.typed import Typed, write
from portal.mail.types import Attachment, Draft, Envelope, Identity, Signing
from portal.net.open import OpenNet
from portal.secret import Secret
from tests.delivery.asking import PATIENT, relay_at
from tests.mail.test_any_mail import WORDS
from tests.relays.strict import StrictSink

MAILS = int(os.environ.get("STRICT_MAILS", 300))
OFFERS = st.frozensets(st.sampled_from(["PIPELINING", "SMTPUTF8", "8BITMIME"]))
KEYS = {algorithm: new_key(algorithm) for algorithm in (RSA, ED25519)}
NOW = datetime(2026, 11, 21, 9, 5, 7, tzinfo=UTC)
OURS = {"from", "date", "message-id", "auto-submitted", "mime-version", "content-type"}

# Half of the addresses are good; the others are what injections are made of.
ODD = (
    'kim jürgen @ example.org bücher.example . .. < > " \\ , ; : ＠ =?utf-8?q?a?= (c)'
    " SIZE=1 DATA [127.0.0.1] - +tag"
)
UNSEEN = (" ", "\r\n", "\n", "\0", "\u202e", "x" * 65)
PIECES = st.lists(st.sampled_from((*ODD.split(), *UNSEEN)), max_size=7).map("".join)
GOOD = st.sampled_from(
    (
        "kim@example.org",
        "lee+tag@example.net",
        "o'neil@x--y.example",
        "jürgen@example.org",
        "kim@bücher.example",
        "二@example.org",
        "Kïm Lee <kim@example.org>",
        '"Dr. \\" No, esq." <no@example.com>',
    )
)
SAFE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=200)


def mostly(usual: st.SearchStrategy[str], rare: st.SearchStrategy[str]):
    """One in twelve is rare: a mail has ten places, and one is enough to refuse it."""
    return st.sampled_from([usual] * 11 + [rare]).flatmap(lambda chosen: chosen)


LINES = st.lists(
    st.sampled_from(
        [".", "..", ".x", "From me", "x" * 1200, "y " * 600, "ü", "Привет", "end ", "="]
    ),
    max_size=8,
)
BODY = st.builds(str.join, st.sampled_from(["\n", "\r\n", "\r"]), LINES)
ADDRESS = mostly(GOOD | st.emails(), PIECES)
PHRASE = mostly(SAFE, WORDS)
FILE = st.builds(
    Attachment,
    filename=PHRASE,
    content=st.binary(max_size=300),
    content_type=mostly(st.sampled_from(["text/plain", "image/png"]), WORDS),
    content_id=st.none() | mostly(st.sampled_from(["logo", "a@b.example"]), WORDS),
)
ASKED = st.fixed_dictionaries(
    {
        "from_": ADDRESS,
        "to": st.lists(ADDRESS, min_size=1, max_size=4),
        "cc": st.lists(GOOD, max_size=2),
        "subject": PHRASE,
        "text": BODY | PHRASE,
        "html": st.none() | BODY | PHRASE,
        "headers": st.dictionaries(
            mostly(
                st.sampled_from(["X-A", "List-Unsubscribe", "References"]),
                st.sampled_from(["Bcc", "X: a\r\nBcc"]) | WORDS,
            ),
            PHRASE,
            max_size=2,
        ),
        "files": st.lists(FILE, max_size=2),
    }
)
MANY = settings(
    max_examples=MAILS,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def strict() -> Iterator[StrictSink]:
    with StrictSink() as sink:
        yield sink


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@given(asked=ASKED, offers=OFFERS, key=st.sampled_from([None, *KEYS]))
@MANY
def test_a_mail_is_refused_by_name_or_arrives_as_meant(
    strict, runner, asked, offers, key
):
    """Through the composer, as `POST /send` and the engine have it."""
    made = draft_of(asked)
    if made is None:
        return
    draft, sender = made
    try:
        content = compose(draft, domain="acme.example", tenant_code="t1", now=NOW)
    except Invalid as refused:
        assert all(error.field and error.detail for error in refused.errors)
        return
    signing = key and Signing(
        domain="acme.example", selector="s", key=Secret(KEYS[key])
    )
    identity = Identity(from_=sender, signing=signing)
    to = tuple(str(mailbox) for _, mailbox in recipients(draft))
    envelope, mail = render(content, identity, to)

    outcome = sent(runner, strict, offers, envelope, mail)

    if outcome.failure is not None:
        refused_for_want_of_an_extension(outcome, strict, offers, mail, envelope)
        return
    (taken,) = strict.mails
    assert taken.reverse_path == str(sender.mailbox)
    assert taken.recipients == to
    assert taken.content == mail
    wanted = OURS | {name.lower() for name in draft.headers}
    wanted |= {"to"} | ({"cc"} if draft.cc else set())
    wanted |= {"subject"} if draft.subject.strip() else set()
    wanted |= {"dkim-signature"} if key else set()
    names = taken.names
    assert set(names) - {"content-transfer-encoding"} == wanted
    assert len(names) == len(set(names))
    reads_as_asked(taken.content, draft)
    if key:
        assert dkim.verify(mail, dnsfunc=lambda name, timeout=5: record(key))


@given(
    from_=ADDRESS | WORDS,
    to=st.lists(ADDRESS | WORDS, min_size=1, max_size=3),
    subject=PHRASE,
    text=BODY | PHRASE,
    offers=OFFERS,
)
@MANY
def test_a_typed_mail_is_refused_or_arrives_as_typed(
    strict, runner, from_, to, subject, text, offers
):
    """The operator's shell takes addresses as they are. What it sends may be refused
    by a relay; it is never another command, another field or another mail."""
    typed = Typed(from_=from_, to=to, subject=subject, text=text, html=None)
    try:
        written = write(typed, host="portal.test", now=NOW)
    except Invalid:
        return
    envelope = Envelope(reverse_path="kim@example.org", recipients=tuple(to))

    outcome = sent(runner, strict, offers, envelope, written.content)

    if (
        outcome.failure is not None
        and outcome.failure.kind is FailureKind.REFUSED_BY_US
    ):
        assert not strict.mails
        assert not [line for line in strict.commands if line.startswith(b"MAIL")]
    elif outcome.failure is None:
        (taken,) = strict.mails
        assert taken.recipients == tuple(to)
        assert taken.content == written.content
        assert set(taken.names) - {"content-transfer-encoding"} == OURS | {
            "to",
            "subject",
        }
    else:
        assert strict.fault.startswith("no RCPT of RFC 5321")  # no mailbox, one RCPT
        strict.fault = None


def draft_of(asked: dict) -> tuple[Draft, Named] | None:
    """None where an address is refused, with a sentence, before all else."""
    try:
        sender = parse_named(asked["from_"])
        to, cc = (tuple(map(parse_named, asked[field])) for field in ("to", "cc"))
    except BadAddress as refused:
        assert str(refused).endswith(".")
        return None
    return Draft(
        to=to,
        cc=cc,
        subject=asked["subject"],
        text=asked["text"],
        html=asked["html"],
        headers=asked["headers"],
        attachments=tuple(asked["files"]),
    ), sender


def sent(
    runner: asyncio.Runner,
    strict: StrictSink,
    offers: frozenset[str],
    envelope: Envelope,
    mail: bytes,
) -> Outcome:
    strict.forget(offers)
    return runner.run(
        converse(
            relay_at(strict),
            OpenNet(),
            envelope,
            mail,
            lambda step: None,
            limits=PATIENT,
            before_dot=always,
        )
    )


def refused_for_want_of_an_extension(
    outcome: Outcome,
    strict: StrictSink,
    offers: frozenset[str],
    mail: bytes,
    envelope: Envelope,
) -> None:
    """The only reason left, once a mail is composed; MAIL is not even said."""
    assert strict.fault is None
    assert outcome.failure.kind is FailureKind.REFUSED_BY_US, outcome.failure
    assert not [line for line in strict.commands if line.startswith(b"MAIL")]
    paths = (envelope.reverse_path, *envelope.recipients)
    beyond = [path for path in paths if not path.isascii()]
    words = outcome.failure.words
    if "SMTPUTF8" not in offers:
        assert "SMTPUTF8" in words
        assert not beyond or beyond[0] in words
    else:
        assert "8BITMIME" not in offers
        assert "8BITMIME" in words
    assert beyond or not mail.isascii()


def reads_as_asked(content: bytes, draft: Draft) -> None:
    """Subject, own fields, text and files, as a mail program shows them."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert (message["Subject"] or "").strip(" ") == draft.subject.strip(" ")
    for name, value in draft.headers.items():
        assert message[name].strip(" ") == value.strip(" ")
    if draft.text.strip():
        shown = next(part for part in message.walk() if is_text(part))
        assert lines(shown.get_content()) == lines(draft.text)
    files = [part for part in message.walk() if part.get_content_disposition()]
    given_files = sorted(file.content for file in draft.attachments)
    assert sorted(part.get_payload(decode=True) for part in files) == given_files


def is_text(part) -> bool:
    return (
        part.get_content_type() == "text/plain" and not part.get_content_disposition()
    )


def lines(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") or not text else text + "\n"


def record(key: str) -> bytes:
    return public_record(KEYS[key]).encode()
