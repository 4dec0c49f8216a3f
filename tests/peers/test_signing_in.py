"""Dovecot behind Postfix: every mechanism, and every byte of a password."""

from __future__ import annotations

import pytest

from portal.delivery.types import Outcome, Relay, Stage, Status
from tests.peers.accounts import PASSWORDS, UNPREPARED
from tests.peers.postfix import Peer
from tests.peers.sending import cause, content, relay_at, submit

pytestmark = pytest.mark.xdist_group("dovecot")
PLAIN_WAYS = ("PLAIN", "LOGIN", "CRAM-MD5")
SCRAM_WAYS = ("SCRAM-SHA-1", "SCRAM-SHA-256")


def signing_in(
    peer: Peer, user: str, password: str, mechanism: str | None
) -> tuple[Outcome, Relay]:
    relay = relay_at(
        peer, "accounts", username=user, password=password, mechanism=mechanism
    )
    return submit(relay, content("signed in")), relay


@pytest.mark.parametrize("user", PASSWORDS)
@pytest.mark.parametrize("mechanism", [*PLAIN_WAYS, *SCRAM_WAYS])
def test_a_password_arrives_byte_by_byte(peer: Peer, user, mechanism):
    outcome, _ = signing_in(peer, user, PASSWORDS[user], mechanism)

    assert outcome.status is Status.SENT, outcome.failure
    assert peer.logged(f"sasl_method={mechanism}, sasl_username={user}")


@pytest.mark.parametrize("mechanism", [*PLAIN_WAYS, *SCRAM_WAYS])
@pytest.mark.parametrize("typed", [" secret", "secret ", "Secret"])
def test_a_byte_more_is_another_password(peer: Peer, typed, mechanism):
    """Nothing is trimmed on the way, and a refusal is one AUTH."""
    outcome, relay = signing_in(peer, "simple", typed, mechanism)

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.AUTH)
    assert cause(outcome, relay) == "auth_bad_credentials"
    tries = [line for line in outcome.transcript if line.text.startswith("AUTH ")]
    assert len(tries) == 1


@pytest.mark.parametrize("user", UNPREPARED)
@pytest.mark.parametrize("mechanism", PLAIN_WAYS)
def test_what_saslprep_would_change_goes_as_it_is(peer: Peer, user, mechanism):
    outcome, _ = signing_in(peer, user, UNPREPARED[user], mechanism)

    assert outcome.status is Status.SENT, outcome.failure


@pytest.mark.parametrize("user", UNPREPARED)
def test_no_mechanism_is_chosen_that_would_change_it(peer: Peer, user):
    """Dovecot keeps passwords unprepared: SCRAM as RFC 5802 §2.2 has it would fail."""
    by_scram, _ = signing_in(peer, user, UNPREPARED[user], "SCRAM-SHA-256")
    chosen, _ = signing_in(peer, user, UNPREPARED[user], None)

    auth = next(step for step in chosen.steps if step.stage is Stage.AUTH)
    assert (by_scram.status, by_scram.stage) == (Status.FAILED, Stage.AUTH)
    assert (chosen.status, auth.detail) == (Status.SENT, "PLAIN")


def test_the_best_is_chosen_for_what_it_leaves_alone(peer: Peer):
    chosen, _ = signing_in(peer, "unicode", PASSWORDS["unicode"], None)

    auth = next(step for step in chosen.steps if step.stage is Stage.AUTH)
    assert (chosen.status, auth.detail) == (Status.SENT, "SCRAM-SHA-256")
