"""Log lines of Postfix, Exim and Sendmail: who refused what, and at which stage."""

from __future__ import annotations

import pytest

from portal.diagnosis.explain import explain
from portal.diagnosis.pasted import read

POSTFIX = "Nov 21 10:00:00 mx postfix/smtp[1]: 4ABC: to=<kim@example.org>, "
EXIM = "2026-11-21 10:00:00 1abcde-0001-X "
SENDMAIL = "Nov 21 10:00:00 mx sm-mta[1]: u5L: to=<kim@example.org>, delay=00:00:01, "


@pytest.mark.parametrize(
    ("line", "stage", "code", "host", "cause"),
    [
        (
            f"{POSTFIX}relay=mx.example.org[192.0.2.1]:25, delay=1.2, delays=0/0/1/0,"
            " dsn=5.1.1, status=bounced (host mx.example.org[192.0.2.1] said: 550 5.1.1"
            " <kim@example.org>: Recipient address rejected: User unknown (in reply to"
            " RCPT TO command))",
            "rcpt_to",
            550,
            "mx.example.org",
            "recipient_unknown",
        ),
        (
            f"{POSTFIX}relay=none, delay=30, dsn=4.4.1, status=deferred (connect to"
            " mx.example.org[192.0.2.1]:25: Connection timed out)",
            "connect",
            None,
            "mx.example.org",
            "connect_timeout_firewalled",
        ),
        (
            f"{POSTFIX}relay=none, delay=0, dsn=5.4.4, status=bounced (Host or domain"
            " name not found. Name service error for name=nx.example type=A: Host not"
            " found)",
            "rcpt_to",
            None,
            None,
            "recipient_domain_invalid",
        ),
        (
            f"{POSTFIX}relay=mx.example.org[192.0.2.1]:25, dsn=4.4.2, status=deferred"
            " (lost connection with mx.example.org[192.0.2.1] while receiving the"
            " initial server greeting)",
            "banner",
            None,
            "mx.example.org",
            "connection_dropped_early",
        ),
        (
            f"{POSTFIX}relay=smtp.gmail.com[192.0.2.1]:587, dsn=5.7.8, status=deferred"
            " (SASL authentication failed; server smtp.gmail.com[192.0.2.1] said:"
            " 535-5.7.8 Username and Password not accepted.)",
            "auth",
            535,
            "smtp.gmail.com",
            "auth_bad_credentials",
        ),
        (
            "postfix/smtpd[9]: NOQUEUE: reject: RCPT from unknown[192.0.2.9]: 554 5.7.1"
            " <kim@example.org>: Relay access denied; from=<a@b.example>"
            " to=<kim@example.org> proto=ESMTP helo=<app>",
            "rcpt_to",
            554,
            None,
            "relay_denied_ip_not_allowed",
        ),
        (
            f"{EXIM}** kim@example.org R=dnslookup T=remote_smtp H=mx.example.org"
            " [192.0.2.1]: SMTP error from remote mail server after RCPT"
            " TO:<kim@example.org>: 550 5.1.1 User unknown",
            "rcpt_to",
            550,
            "mx.example.org",
            "recipient_unknown",
        ),
        (
            f"{EXIM}== kim@example.org R=dnslookup T=remote_smtp defer (-46)"
            " H=mx.example.org [192.0.2.1]: SMTP error from remote mail server after end"
            " of data: 451 4.7.1 Greylisting in action",
            "post_data",
            451,
            "mx.example.org",
            "greylisted",
        ),
        (
            f"{EXIM}== kim@example.org R=smart T=smtp defer (111): Connection refused",
            None,
            None,
            None,
            "connection_refused",
        ),
        (
            "2026-11-21 10:00:02 H=(app) [192.0.2.9] F=<a@b.example> rejected RCPT"
            " <kim@example.org>: relay not permitted",
            "rcpt_to",
            None,
            None,
            "relay_denied_ip_not_allowed",
        ),
        (
            f"{SENDMAIL}mailer=esmtp, relay=mx.example.org. [192.0.2.1], dsn=5.1.1,"
            " stat=User unknown",
            "rcpt_to",
            None,
            "mx.example.org",
            "recipient_unknown",
        ),
        (
            f"{SENDMAIL}mailer=esmtp, relay=mx.example.org., dsn=5.0.0, reply=550 5.7.1"
            " Message rejected as spam, stat=Service unavailable",
            None,
            550,
            "mx.example.org",
            "content_rejected_spam",
        ),
    ],
)
def test_a_log_line_gives_stage_code_host_and_cause(line, stage, code, host, cause):
    (found,) = read(line)

    evidence = found.evidence
    assert found.recipient == "kim@example.org"
    assert (evidence.stage, evidence.code, evidence.host) == (stage, code, host)
    assert explain(evidence).cause == cause


def test_lines_of_success_are_passed_over_and_repeated_tries_told_once():
    refused = (
        f"{POSTFIX}relay=none, dsn=4.4.1, status=deferred (connect to mx: refused)"
    )
    sent = f"{POSTFIX}relay=mx[192.0.2.1]:25, dsn=2.0.0, status=sent (250 2.0.0 Ok)"

    found = read("\n".join([sent, refused, refused.replace("10:00", "10:05"), sent]))

    assert [each.evidence.text for each in found] == ["connect to mx: refused"]
