"""A relay that does not take our certificate, in the words of several servers."""

from __future__ import annotations

import pytest

from portal.diagnosis.explain import explain
from portal.diagnosis.types import Evidence


@pytest.mark.parametrize(
    ("stage", "code", "text"),
    [
        ("tls", None, "[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca"),
        ("starttls", None, "[SSL: SSLV3_ALERT_CERTIFICATE_EXPIRED] sslv3 alert"),
        ("tls", None, "tlsv13 alert certificate required (_ssl.c:2580)"),
        ("banner", 421, "4.7.1 mail.example Error: No client certificate presented"),
        ("starttls", 421, "4.7.1 mail.example Error: Client certificate not trusted"),
    ],
)
def test_what_the_relay_dislikes_is_our_certificate(stage, code, text):
    """An alert, or Postfix’s reply in the place of its greeting."""
    found = explain(Evidence(text=text, stage=stage, code=code))

    assert found.cause == "client_certificate_required"


def test_a_relay_that_we_distrust_is_another_matter():
    """Without an alert it is we who know no such authority."""
    text = "certificate verify failed: unable to get local issuer certificate"

    found = explain(Evidence(text=text, stage="tls"))

    assert found.cause == "certificate_untrusted"
