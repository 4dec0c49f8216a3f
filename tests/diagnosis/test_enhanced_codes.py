"""Where the words are in no language that we know, the standards' codes still tell."""

from __future__ import annotations

import pytest

from portal.diagnosis.explain import explain
from portal.diagnosis.types import Evidence

WORDS = "Bu mektup qəbul olunmadı"


@pytest.mark.parametrize(
    ("stage", "code", "enhanced", "cause"),
    [
        ("rcpt_to", 550, "5.1.1", "recipient_unknown"),
        ("rcpt_to", 550, "5.1.2", "recipient_domain_invalid"),
        ("rcpt_to", 553, "5.1.3", "recipient_domain_invalid"),
        ("mail_from", 553, "5.1.7", "sender_domain_invalid"),
        ("mail_from", 550, "5.1.8", "sender_domain_invalid"),
        ("rcpt_to", 550, "5.2.1", "recipient_unknown"),
        ("rcpt_to", 552, "5.2.2", "mailbox_full"),
        ("post_data", 552, "5.2.3", "message_too_large"),
        ("mail_from", 452, "4.3.1", "server_unavailable"),
        ("mail_from", 552, "5.3.4", "message_too_large"),
        ("data", 421, "4.4.2", "session_timeout"),
        ("rcpt_to", 452, "4.5.3", "too_many_recipients"),
        ("mail_from", 550, "5.6.7", "smtputf8_unsupported"),
        ("auth", 535, "5.7.8", "auth_bad_credentials"),
        ("auth", 534, "5.7.9", "auth_app_password_required"),
        ("auth", 538, "5.7.11", "starttls_required"),
        ("mail_from", 550, "5.7.13", "account_suspended"),
        ("post_data", 550, "5.7.20", "dkim_failed"),
        ("mail_from", 550, "5.7.23", "spf_failed"),
        ("rcpt_to", 550, "5.7.25", "ptr_missing"),
        ("post_data", 550, "5.7.26", "dmarc_rejected"),
        ("mail_from", 530, "5.7.57", "auth_required"),
        ("mail_from", 550, "5.7.60", "sender_not_authorised"),
    ],
)
def test_a_code_of_the_standards_is_enough(stage, code, enhanced, cause):
    """RFC 3463, RFC 4954, RFC 5248, RFC 6531, RFC 7372; the last two are Exchange's."""
    evidence = Evidence(text=WORDS, stage=stage, code=code, enhanced=enhanced)

    assert explain(evidence).cause == cause


def test_an_enhanced_code_tells_without_stage_and_reply():
    """As the status of a bounce does."""
    assert explain(Evidence(text=WORDS, enhanced="5.2.2")).cause == "mailbox_full"
