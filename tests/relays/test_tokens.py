"""The token server of these tests judges as a real one does."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import threading
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.relays import jwt
from tests.relays.granting import JWT_BEARER
from tests.relays.tokens import THROTTLED, TokenServer

BACK = "https://portal.example/oauth/callback"


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def post(
    url: str, context: ssl.SSLContext | None = None, **fields: str
) -> tuple[int, dict[str, str], bytes]:
    opener = urllib.request.build_opener(
        _Stay, urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(url, urlencode(fields).encode(), timeout=10) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, dict(answer.headers), answer.read()


def ask(server: TokenServer, **fields: str) -> tuple[int, dict[str, Any]]:
    known = {"client_id": server.client_id, "client_secret": server.client_secret or ""}
    status, _, body = post(server.token_url, **(known | fields))
    return status, json.loads(body)


def test_the_right_secret_is_given_a_token(token_server):
    """It is a JWT with an audience, and /introspect knows whose it is."""
    server = token_server()

    status, granted = ask(server, grant_type="client_credentials", scope="smtp.send")

    assert status == 200
    claims = jwt.verified(granted["access_token"], server.key.public_key())
    assert (claims["aud"], claims["scp"]) == (server.audience, "smtp.send")
    _, _, body = post(server.introspect_url, token=granted["access_token"])
    assert json.loads(body)["username"] == server.user
    server.revoke()
    _, _, body = post(server.introspect_url, token=granted["access_token"])
    assert json.loads(body) == {"active": False}


@pytest.mark.parametrize(
    ("changed", "status", "says"),
    [
        ({"client_secret": "wrong"}, 401, "AADSTS7000215"),
        ({"client_id": "nobody"}, 400, "AADSTS700016"),
        ({"scope": "mail.read"}, 400, "AADSTS70011"),
        ({"grant_type": "password"}, 400, "AADSTS70003"),
    ],
)
def test_what_is_wrong_is_refused_by_its_number(token_server, changed, status, says):
    server = token_server(scopes=frozenset({"smtp.send"}))
    right = {"grant_type": "client_credentials", "scope": "smtp.send"}

    got, answer = ask(server, **(right | changed))

    assert (got, answer["error_description"].split(":")[0]) == (status, says)


def test_a_rotated_refresh_token_fails_afterwards(token_server):
    server = token_server(rotates=True)
    first = server.refresh_token()

    _, granted = ask(server, grant_type="refresh_token", refresh_token=first)
    old, refused = ask(server, grant_type="refresh_token", refresh_token=first)
    new, _ = ask(
        server, grant_type="refresh_token", refresh_token=granted["refresh_token"]
    )

    assert (old, refused["error"], new) == (400, "invalid_grant", 200)


@pytest.mark.parametrize(
    "changed", [{"aud": "https://elsewhere"}, {"exp": 1}, {"iss": "me"}, {"sub": "x@y"}]
)
def test_an_assertion_is_verified(token_server, changed):
    """Key, audience, time, issuer and subject: one that is wrong is enough."""
    server = token_server()
    key_file = json.loads(server.key_file())
    now = int(time.time())
    claims = {
        "iss": key_file["client_email"],
        "aud": key_file["token_uri"],
        "iat": now,
        "exp": now + 3600,
        "scope": "https://mail.google.com/",
        "sub": server.user,
    }

    def by(claims: dict[str, Any], key: Any) -> int:
        assertion = jwt.signed(claims, key)
        return ask(server, grant_type=JWT_BEARER, assertion=assertion)[0]

    assert by(claims, server.key) == 200
    assert by(claims, jwt.new_key()) == 400
    assert by(claims | changed, server.key) in (400, 401)


def test_a_code_needs_its_verifier(token_server):
    """Consent, then the code once, with the verifier of its challenge (RFC 7636)."""
    server = token_server(redirect_uris=frozenset({BACK}))
    verifier = "v" * 43
    digest = hashlib.sha256(verifier.encode()).digest()
    fields = {
        "client_id": server.client_id,
        "redirect_uri": BACK,
        "scope": "smtp.send",
        "state": "s1",
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "response_type": "code",
    }

    def consent(decision: str) -> dict[str, str]:
        status, headers, _ = post(server.authorize_url, **fields, decision=decision)
        assert status == 302
        return dict(parse_qsl(urlsplit(headers["Location"]).query))

    def redeem(code: str, verifier: str) -> int:
        kind = "authorization_code"
        return ask(
            server,
            grant_type=kind,
            code=code,
            redirect_uri=BACK,
            code_verifier=verifier,
        )[0]

    denied, allowed = consent("deny"), consent("allow")
    assert (denied["error"], allowed["state"]) == ("access_denied", "s1")
    assert [redeem(allowed["code"], verifier) for _ in range(2)] == [200, 400]
    assert redeem(consent("allow")["code"], "w" * 43) == 400


def test_answers_can_be_scripted_and_counted(token_server):
    server = token_server()
    server.will_say(THROTTLED)
    server.gate.clear()
    statuses: list[int] = []

    def once() -> None:
        statuses.append(ask(server, grant_type="client_credentials")[0])

    threads = [threading.Thread(target=once) for _ in range(2)]
    for thread in threads:
        thread.start()
    server.waiting(2)
    server.gate.set()
    for thread in threads:
        thread.join(10)

    assert sorted(statuses) == [200, 429]
    assert (server.most_at_once, len(server.asked)) == (2, 2)


def test_https_is_served_with_the_certificates_of_the_tests(token_server, authority):
    server = token_server(tls=authority.contexts["good"])
    trusting = ssl.create_default_context(cadata=authority.pem)

    assert post(server.introspect_url, trusting, token="x")[0] == 200
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        post(server.introspect_url, token="x")
