"""The address at which a person is asked for consent."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import urlencode, urlsplit

from portal.providers.types import Provider
from portal.services.senders.fields import OAuthFields


def consent_url(
    oauth: OAuthFields,
    provider: Provider | None,
    mailbox: str,
    state: str,
    verifier: str,
    redirect_uri: str,
) -> str:
    """RFC 6749 §4.1.1 with the challenge of RFC 7636 §4.2, and what this provider
    wants besides."""
    challenge = hashlib.sha256(verifier.encode()).digest()
    facts = provider.oauth if provider else None
    asked = {
        "response_type": "code",
        "client_id": oauth.client_id,
        "redirect_uri": redirect_uri,
        "scope": oauth.scope,
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "login_hint": mailbox,
        **(facts.authorize_with if facts else {}),
    }
    address = oauth.authorize_url or ""
    joint = "&" if urlsplit(address).query else "?"
    return (
        address
        + joint
        + urlencode({name: each for name, each in asked.items() if each})
    )
