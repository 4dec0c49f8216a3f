"""`portal try` tries what could repair a failure, inside of its own time."""

from __future__ import annotations

import time

ADDRESSED = ("--from", "kim@example.org", "--to", "ada@example.org")
SIGNED_IN = ("--username", "kim", "--password-file", "password", "--ca-file", "ca.pem")
QUICK = ("--stage-timeout", "0.5", "--timeout", "4")


def test_a_repair_was_tried(told, sink, authority):
    relay = sink(users={"kim": "open sesame"}, tls=authority.contexts["good"])

    status, found = told(
        relay.port, *ADDRESSED, *SIGNED_IN, *QUICK, security="starttls"
    )

    assert status == 1
    repair, *_ = found["diagnosis"]["repairs"]
    assert repair["set"] == {"security": "tls"}
    assert repair["tested"]
    assert relay.log_ons == []


def test_it_is_told_in_words(portal_try, sink, authority):
    relay = sink(users={"kim": "open sesame"}, tls=authority.contexts["good"])

    done = portal_try(relay.port, *ADDRESSED, *SIGNED_IN, *QUICK, security="starttls")

    words = " ".join(done.output.split())
    assert "A setting repairs it (tried): security = tls." in words
    assert "with TLS from the start answers here and offers" in words


def test_trying_repairs_ends_with_the_try(told, play):
    """A relay that says nothing to anybody: the whole keeps to --timeout."""
    began = time.monotonic()

    status, found = told(
        play("says_nothing.txt").port,
        *ADDRESSED,
        *("--stage-timeout", "1", "--timeout", "1.5"),
        security="starttls",
    )

    assert time.monotonic() - began < 8
    # Where no time was left to try them they may be named, untried.
    tried = [each["tested"] for each in found["diagnosis"]["repairs"]]
    assert (status, any(tried)) == (1, False)


def test_what_a_stop_before_data_leaves_open_is_said(portal_try, sink):
    done = portal_try(sink().port, *ADDRESSED, "--stop-after", "rcpt_to")

    assert done.exit_code == 0
    assert "only after DATA" in done.output
