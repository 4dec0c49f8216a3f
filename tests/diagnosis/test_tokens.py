"""What a token end point answers, or does not, leads to the right cause."""

from __future__ import annotations

import pytest

from portal.diagnosis.explain import explain
from portal.diagnosis.types import Evidence

ANSWERS = {
    "invalid_grant: Token has been expired or revoked. (HTTP 400)": (
        "reply",
        "oauth_token_expired",
    ),
    "invalid_client: AADSTS7000215: Invalid client secret provided. (HTTP 401)": (
        "reply",
        "oauth_client_misconfigured",
    ),
    "invalid_grant: AADSTS65001: The user or administrator has not consented. (HTTP 400)": (
        "reply",
        "oauth_consent_or_scope_missing",
    ),
    "unauthorized_client: AADSTS700016: Application 'x' was not found. (HTTP 400)": (
        "reply",
        "oauth_client_misconfigured",
    ),
    "unauthorized_client: Client is unauthorized to retrieve tokens. (HTTP 401)": (
        "reply",
        "oauth_consent_or_scope_missing",
    ),
    "temporarily_unavailable: Slow down. (HTTP 429)": (
        "reply",
        "oauth_endpoint_unreachable",
    ),
    "The token end point answered HTTP 404 and something that is no JSON (text/html).": (
        "protocol",
        "oauth_endpoint_unreachable",
    ),
    "The token end point was not reached. x.example has no address: [Errno -2] Name or"
    " service not known.": ("net", "oauth_endpoint_unreachable"),
    "The token end point was not reached. TLS was not established with x.example:"
    " certificate verify failed: certificate has expired.": (
        "tls",
        "certificate_expired",
    ),
    "The token end point was not reached. This portal may not connect to that host and"
    " port.": ("forbidden", "relay_not_permitted"),
    "There is no refresh token: connect the mailbox first.": (
        "refused_by_us",
        "oauth_client_misconfigured",
    ),
}


@pytest.mark.parametrize("words", ANSWERS)
def test_answer_leads_to_its_cause(words):
    kind, cause = ANSWERS[words]

    found = explain(
        Evidence(
            text=words,
            stage="oauth_token",
            kind=kind,
            exception="OAuthTokenError",
            auth="oauth2",
        ),
        None,
    )

    assert found.cause == cause


def test_busy_token_service_is_said_to_be_busy():
    found = explain(
        Evidence(text="server_error (HTTP 503)", stage="oauth_token", kind="reply"),
        None,
    )

    assert found.temporary
    assert "in trouble itself" in found.meaning


def test_settings_that_are_not_complete_are_named():
    words = "Client credentials need a client id and a client secret."

    found = explain(
        Evidence(text=words, stage="oauth_token", kind="refused_by_us"), None
    )

    assert words in found.meaning
