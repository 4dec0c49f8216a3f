"""Passwords arrive byte for byte as they were typed, by each mechanism."""

from __future__ import annotations

import base64
import hmac
from contextlib import ExitStack

import pytest

from portal.delivery.types import FailureKind, Stage
from portal.secret import Secret
from tests.delivery.asking import relay_at, submit, text_of
from tests.relays.scram import ScramSink

PASSWORDS = {
    "spaces at the ends": "  pass word  ",
    "quotes": "\"pass'word\\",
    "percent": "100%25 %s %(x)s",
    "accents": "pässwörd",
    "decomposed": "pa\u0308ssword",
    "no-break space": "pass\u00a0word",
    "emoji": "pass😀word",
    "dots and commas": "a=b,c.d:e;f",
    "tab": "pass\tword",
    "long": "x" * 1_000,
    "long and wide": "ü€" * 500,
    "a mask": "***",
    "one letter": "x",
}
# Those that SASLprep (RFC 4013) has a form of.
PREPARED = sorted(set(PASSWORDS) - {"emoji", "tab"})


@pytest.fixture
def scram():
    with ExitStack() as stack:
        yield lambda **values: stack.enter_context(ScramSink(**values))


def signing_in(relay, authority, password, **values):
    values.setdefault("username", "kim")
    return relay_at(
        relay, "tls", password=Secret(password), ca_pem=authority.pem, **values
    )


def offering(mechanism: str, *lines: str) -> str:
    return "\n".join(
        [
            "! tls",
            "S: 220 relay.test",
            "C: EHLO *",
            "S: 250-relay.test",
            f"S: 250 AUTH {mechanism}",
            *lines,
            "S: 235 2.7.0 Welcome",
            "C: QUIT",
            "S: 221 Bye",
            "",
        ]
    )


@pytest.mark.parametrize("case", PASSWORDS)
def test_plain_sends_it_as_it_is(play, authority, case):
    """RFC 4616: UTF-8, nothing prepared. A long one waits for the relay's 334."""
    password = PASSWORDS[case]
    said = base64.b64encode(f"\0kim\0{password}".encode()).decode()
    long = len(said) > 2_000
    lines = ["C: AUTH PLAIN", "S: 334 ", "C: *"] if long else ["C: AUTH PLAIN *"]
    relay = play(offering("PLAIN", *lines))

    outcome = submit(signing_in(relay, authority, password), stop_after=Stage.AUTH)

    assert outcome.status == "stopped"
    assert relay.surprise is None
    assert said in " ".join(relay.commands).split()
    assert said not in text_of(outcome)


@pytest.mark.parametrize("case", PASSWORDS)
def test_login_sends_it_as_it_is(play, authority, case):
    password = PASSWORDS[case]
    challenges = ["S: 334 VXNlcm5hbWU6", "C: a2lt", "S: 334 UGFzc3dvcmQ6", "C: *"]
    relay = play(offering("LOGIN", "C: AUTH LOGIN", *challenges))

    outcome = submit(signing_in(relay, authority, password), stop_after=Stage.AUTH)

    assert outcome.status == "stopped"
    assert base64.b64decode(relay.commands[3]).decode() == password


@pytest.mark.parametrize("case", PASSWORDS)
def test_cram_md5_takes_it_as_it_is(play, authority, case):
    """RFC 2195, for relays that have nothing else."""
    password = PASSWORDS[case]
    challenge = base64.b64encode(b"<1896.697170952@relay.test>").decode()
    relay = play(
        offering("CRAM-MD5", "C: AUTH CRAM-MD5", f"S: 334 {challenge}", "C: *")
    )

    outcome = submit(signing_in(relay, authority, password), stop_after=Stage.AUTH)

    digest = hmac.new(password.encode(), b"<1896.697170952@relay.test>", "md5")
    assert outcome.status == "stopped"
    assert base64.b64decode(relay.commands[2]).decode() == f"kim {digest.hexdigest()}"


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1"])
@pytest.mark.parametrize("case", PREPARED)
def test_scram_agrees_with_a_server(scram, authority, mechanism, case):
    """Both sides prepare it alike, and each proves that it knows it."""
    password = PASSWORDS[case]
    relay = scram(
        users={"kim": password},
        mechanism=mechanism,
        tls=authority.contexts["good"],
    )

    outcome = submit(signing_in(relay, authority, password))

    assert outcome.status == "sent"
    assert relay.log_ons == [("kim", mechanism)]


def test_scram_escapes_the_user(scram, authority):
    relay = scram(users={"k=i,m": "secret!"}, tls=authority.contexts["good"])

    outcome = submit(signing_in(relay, authority, "secret!", username="k=i,m"))

    assert outcome.status == "sent"


@pytest.mark.parametrize("case", ["emoji", "tab"])
def test_password_that_scram_has_no_form_of_goes_by_plain(play, authority, case):
    """Chosen before anything is sent: one attempt, and the bytes that were typed."""
    relay = play(offering("SCRAM-SHA-256 SCRAM-SHA-1 PLAIN", "C: AUTH PLAIN *"))
    password = PASSWORDS[case]

    outcome = submit(signing_in(relay, authority, password), stop_after=Stage.AUTH)

    assert outcome.status == "stopped"
    said = base64.b64decode(relay.commands[1].split()[-1]).decode()
    assert said == f"\0kim\0{password}"


@pytest.mark.parametrize("case", ["emoji", "tab"])
@pytest.mark.parametrize("mechanism", [None, "SCRAM-SHA-256"])
def test_password_that_scram_has_no_form_of_is_said(scram, authority, case, mechanism):
    relay = scram(users={"kim": "x"}, tls=authority.contexts["good"])

    outcome = submit(signing_in(relay, authority, PASSWORDS[case], mechanism=mechanism))

    assert outcome.failure.stage is Stage.AUTH
    assert outcome.failure.kind is FailureKind.REFUSED_BY_US
    assert relay.log_ons == []


@pytest.mark.parametrize("ends", ["proves", "explains"])
def test_scram_with_a_wrong_password_is_refused_by_the_relay(scram, authority, ends):
    """Also where the relay says `e=invalid-proof` first: its 535 is what counts."""
    relay = scram(users={"kim": "right"}, ends=ends, tls=authority.contexts["good"])

    outcome = submit(signing_in(relay, authority, "wrong!!"))

    assert outcome.failure.stage is Stage.AUTH
    assert outcome.failure.kind is FailureKind.REPLY
    assert outcome.failure.reply.code == 535
    assert len(relay.log_ons) == 1


def test_relay_without_a_proof_is_believed_for_its_certificate(scram, authority):
    users = {"kim": "secret!"}
    known = scram(users=users, ends="silent", tls=authority.contexts["good"])
    unknown = scram(users=users, ends="silent", clear_auth=True)
    in_clear = {"username": "kim", "password": Secret("secret!")}

    over_tls = submit(signing_in(known, authority, "secret!"))
    clear = submit(relay_at(unknown, allow_cleartext_auth=True, **in_clear))

    assert over_tls.status == "sent"
    assert clear.failure.kind is FailureKind.PROTOCOL
    assert "does not prove" in clear.failure.words


@pytest.mark.parametrize("password", ["PDE", "4OTYu", "Njk3"])
def test_challenge_that_looks_like_the_password_is_read(play, authority, password):
    """The transcript masks it; the answer is made of what really came."""
    challenge = base64.b64encode(b"<1896.697170952@relay.test>").decode()
    assert password in challenge
    relay = play(
        offering("CRAM-MD5", "C: AUTH CRAM-MD5", f"S: 334 {challenge}", "C: *")
    )

    outcome = submit(signing_in(relay, authority, password), stop_after=Stage.AUTH)

    assert outcome.status == "stopped"
    assert password not in text_of(outcome).replace("EHLO", "")
