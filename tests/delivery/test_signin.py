"""Signing in: one mechanism, once, and the secret nowhere but on the wire."""

from __future__ import annotations

import base64

import pytest

from portal.delivery.scram import NotAsAgreed, Scram
from portal.delivery.types import Auth, FailureKind, Stage
from portal.secret import Secret
from tests.delivery.asking import PASSWORD, relay_at, submit, text_of

FORMS = [
    PASSWORD,
    base64.b64encode(PASSWORD.encode()).decode(),
    base64.b64encode(b"\0kim\0" + PASSWORD.encode()).decode(),
]


def signing_in(server, authority, **values):
    return relay_at(server, "tls", username="kim", ca_pem=authority.pem, **values)


def shows_a_secret(outcome) -> bool:
    return any(form in text_of(outcome) for form in FORMS)


def test_wrong_password_stops_before_mail(play, authority):
    """A 535 ends the conversation at AUTH, after one AUTH of three offered."""
    relay = play("auth_rejected.txt")

    outcome = submit(signing_in(relay, authority))

    assert outcome.status == "failed"
    assert outcome.failure.stage is Stage.AUTH
    assert outcome.failure.reply.code == 535
    assert outcome.failure.reply.enhanced == "5.7.8"
    assert [command.split()[0] for command in relay.commands] == [
        "EHLO",
        "AUTH",
        "QUIT",
    ]
    assert not shows_a_secret(outcome)


def test_plain_shows_no_secret(sink, authority):
    server = sink(users={"kim": PASSWORD}, tls=authority.contexts["good"])

    outcome = submit(signing_in(server, authority))

    assert outcome.status == "sent"
    assert server.log_ons == [("kim", "PLAIN")]
    assert "C: AUTH PLAIN ***" in text_of(outcome)
    assert not shows_a_secret(outcome)


def test_login_shows_no_secret(play, authority):
    """The secret travels in a later line that does not begin with AUTH."""
    relay = play("auth_by_login.txt")

    outcome = submit(signing_in(relay, authority), stop_after=Stage.AUTH)

    assert outcome.status == "stopped"
    assert relay.surprise is None
    lines = [line.text for line in outcome.transcript if line.who == "C"]
    assert lines == ["EHLO portal.test", "AUTH LOGIN", "***", "***", "QUIT"]
    assert not shows_a_secret(outcome)


def test_cram_md5_where_nothing_else_is_offered(play, authority):
    relay = play("auth_by_cram_md5.txt")

    outcome = submit(signing_in(relay, authority), stop_after=Stage.AUTH)

    assert outcome.status == "stopped"
    assert relay.surprise is None
    assert not shows_a_secret(outcome)


def test_secret_that_the_relay_echoes_is_masked(play, authority):
    relay = play("auth_echoes_the_secret.txt")

    outcome = submit(signing_in(relay, authority))

    assert outcome.failure.reply.text == "5.7.8 Not accepted: *** *** ***"
    assert not shows_a_secret(outcome)


def test_forced_mechanism_is_used(sink, authority):
    server = sink(users={"kim": PASSWORD}, tls=authority.contexts["good"])

    outcome = submit(signing_in(server, authority, mechanism="login"))

    assert outcome.status == "sent"
    assert server.log_ons == [("kim", "LOGIN")]


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "CRAM-MD5", "XOAUTH2"])
def test_forced_mechanism_that_is_not_offered(sink, authority, mechanism):
    """No other is tried in its place."""
    server = sink(users={"kim": PASSWORD}, tls=authority.contexts["good"])

    outcome = submit(signing_in(server, authority, mechanism=mechanism))

    assert outcome.failure.stage is Stage.AUTH
    assert outcome.failure.kind is FailureKind.REFUSED_BY_US
    assert mechanism in outcome.failure.words
    assert server.log_ons == []


def test_no_mechanism_of_ours_is_offered(play, authority):
    relay = play("auth_offers_ntlm_only.txt")

    outcome = submit(signing_in(relay, authority))

    assert outcome.failure.stage is Stage.AUTH
    assert outcome.failure.kind is FailureKind.REFUSED_BY_US
    assert "NTLM" in outcome.failure.words
    assert relay.commands == ["EHLO portal.test", "QUIT"]


def test_relay_without_auth(play):
    """Credentials are set and the relay offers no AUTH: we say so, and send none."""
    relay = play("accepts.txt")

    outcome = submit(relay_at(relay, username="kim", allow_cleartext_auth=True))

    assert outcome.failure.stage is Stage.AUTH
    assert "offers no way to sign in" in outcome.failure.words


def test_password_never_goes_in_clear(play):
    relay = play("offers_auth_in_clear.txt")

    outcome = submit(relay_at(relay, username="kim"))

    assert outcome.failure.stage is Stage.AUTH
    assert outcome.failure.kind is FailureKind.REFUSED_BY_US
    assert b"AUTH" not in relay.received


def test_password_goes_in_clear_where_the_operator_says_so(sink):
    server = sink(users={"kim": PASSWORD}, clear_auth=True)

    outcome = submit(relay_at(server, username="kim", allow_cleartext_auth=True))

    assert outcome.status == "sent"


def test_api_key_signs_in_as_a_password_does(sink, authority):
    server = sink(users={"apikey": PASSWORD}, tls=authority.contexts["good"])
    relay = relay_at(
        server, "tls", username="apikey", auth=Auth.API_KEY, ca_pem=authority.pem
    )

    assert submit(relay).status == "sent"


@pytest.mark.parametrize(
    "values",
    [
        {"username": "kim\0x"},
        {"username": "kim\r\nMAIL FROM:<x@example.org>"},
        {"username": ""},
        {"username": "kim", "password": Secret("hunter\0two")},
    ],
)
def test_unfit_credentials_are_refused_by_us(sink, authority, values):
    """NUL parts the fields of PLAIN, line breaks part commands."""
    server = sink(users={"kim": PASSWORD}, tls=authority.contexts["good"])
    relay = relay_at(server, "tls", ca_pem=authority.pem, **values)

    outcome = submit(relay)

    assert outcome.failure.stage is Stage.AUTH
    assert outcome.failure.kind is FailureKind.REFUSED_BY_US
    assert server.log_ons == []


def test_relay_that_hangs_up_at_auth(play, authority):
    outcome = submit(signing_in(play("auth_closes.txt"), authority))

    assert outcome.failure.stage is Stage.AUTH
    assert outcome.failure.kind is FailureKind.CLOSED
    assert not shows_a_secret(outcome)


def test_temporary_failure_of_auth_is_transient(play, authority):
    outcome = submit(signing_in(play("auth_says_454.txt"), authority))

    assert outcome.failure.stage is Stage.AUTH
    assert outcome.failure.reply.transient


def test_forged_scram_challenge_gets_no_proof(play, authority):
    """A nonce that does not continue ours: the exchange ends without the proof."""
    relay = play("auth_by_scram_forged.txt")

    outcome = submit(signing_in(relay, authority))

    assert outcome.failure.stage is Stage.AUTH
    assert outcome.failure.kind is FailureKind.PROTOCOL
    assert len(relay.commands) == 2
    assert relay.commands[1].startswith("AUTH SCRAM-SHA-256 ")


# The examples of RFC 7677 §3 and RFC 5802 §5.
SCRAM = {
    "SCRAM-SHA-256": (
        "rOprNGfwEbeRWgbNEkqO",
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
    "SCRAM-SHA-1": (
        "fyko+d2lbbFgONRv9qkxdawL",
        "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ),
}


@pytest.mark.parametrize("mechanism", SCRAM)
def test_scram_matches_the_examples_of_the_standard(mechanism):
    nonce, challenge, proof, answer = SCRAM[mechanism]
    scram = Scram(mechanism, "user", "pencil", nonce)

    assert scram.first() == f"n,,n=user,r={nonce}"
    assert scram.final(challenge).endswith(f",p={proof}")
    scram.check(answer)


@pytest.mark.parametrize(
    "challenge",
    [
        "",
        "e=other-error",
        "r=nonce,s=QSXCR+Q6sek8bf92,i=4096",
        "r=other,s=QSXCR+Q6sek8bf92,i=4096",
        "r=nonceX,s=QSXCR+Q6sek8bf92,i=999999999",
        "r=nonceX,s=QSXCR+Q6sek8bf92,i=1000001",
        "r=nonceX,s=QSXCR+Q6sek8bf92,i=1",
        "r=nonceX,s=QSXCR+Q6sek8bf92,i=0",
        "r=nonceX,s=Q,i=4096",
    ],
)
def test_scram_refuses_a_challenge_that_is_wrong(challenge):
    """A nonce of its own, hours of hashing, or nothing readable."""
    scram = Scram("SCRAM-SHA-256", "user", "pencil", "nonce")
    scram.first()

    with pytest.raises(NotAsAgreed):
        scram.final(challenge)


def test_scram_refuses_a_relay_that_does_not_know_the_password():
    nonce, challenge, _, _ = SCRAM["SCRAM-SHA-256"]
    scram = Scram("SCRAM-SHA-256", "user", "pencil", nonce)
    scram.first()
    scram.final(challenge)

    with pytest.raises(NotAsAgreed):
        scram.check("v=AAAATRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


def test_scram_escapes_what_parts_its_fields():
    assert Scram("SCRAM-SHA-1", "a=b,c", "x", "n").first() == "n,,n=a=3Db=2Cc,r=n"
