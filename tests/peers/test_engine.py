"""The engine through real servers: a sender from a file, a mail by POST /send."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.peers.postfix import Peer
from tests.relays.tokens import TokenServer
from tests.serving import Serving, environment, run, serving

pytestmark = pytest.mark.xdist_group("dovecot")
ROBOT = "robot@peer.example"


@pytest.fixture(scope="module")
def secure_tokens(peer: Peer, tokens: TokenServer) -> Iterator[TokenServer]:
    """The same tokens over https, as the engine wants it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(peer.folder / "server.pem")
    with TokenServer(user=ROBOT, tls=context, issued=tokens.issued) as server:
        yield server


@pytest.fixture(scope="module")
def portal(
    tmp_path_factory: pytest.TempPathFactory, peer: Peer
) -> Iterator[tuple[Serving, Path, dict[str, str]]]:
    folder = tmp_path_factory.mktemp("portal")
    env = environment(PORTAL_RELAY_ALLOW="localhost:*,127.0.0.1:*", PORTAL_LIMITS="off")
    (folder / "password").write_text("a long enough password 42\n")
    who = ("--email", "kim@example.org", "--password-file", "password")
    run("setup", *who, "--tenant", "Peers", folder=folder, env=env)
    with serving(folder, env=env) as running:
        yield running.ready(), folder, env


@pytest.fixture
def post(
    portal: tuple[Serving, Path, dict[str, str]], peer: Peer
) -> Callable[..., dict[str, Any]]:
    """Makes this the active sender and sends one mail through it; how it ended."""
    running, folder, env = portal

    def send(
        listener: str, subject: str, mail: dict[str, Any] | None = None, **fields: Any
    ) -> dict[str, Any]:
        settings = {
            "name": "Peer",
            "provider": "generic_smtp",
            "host": "localhost",
            "port": peer.ports[listener],
            "security": "starttls",
            "from_address": "app@peer.example",
            "ca": peer.ca.read_text(),
        }
        (folder / "sender.json").write_text(json.dumps(settings | fields))
        to = ("--tenant", "peers")
        run("sender", "apply", "sender.json", *to, "--activate", folder=folder, env=env)
        key = run("key", "add", *to, folder=folder, env=env)["key"]
        body = {"to": "pat@elsewhere.example", "subject": subject, "text": "Grüße."}
        accepted = running.ask("POST", "/send", key=key, body=body | (mail or {}))
        assert accepted.status == 202, accepted.body
        return running.settled(accepted.json()["id"], key=key)

    return send


def test_by_password(post, peer: Peer, sink):
    ended = post(
        "submission",
        "engine by password",
        auth="password",
        username=peer.user,
        password=peer.password,
    )

    assert ended["status"] == "sent", ended
    ((arrived, message),) = sink.mail("engine by password")
    assert arrived.mail_from == peer.owned
    assert message.get_payload(decode=True).decode().strip() == "Grüße."


@pytest.mark.parametrize("grant", ["client_credentials", "refresh_token", "jwt_bearer"])
def test_by_token(post, sink, secure_tokens: TokenServer, grant):
    """The end point over https, trusted by the sender's own CA."""
    oauth: dict[str, Any] = {
        "grant": grant,
        "token_url": secure_tokens.token_url,
        "scope": "smtp.send",
    }
    if grant == "jwt_bearer":
        oauth |= {"service_account": secure_tokens.key_file(), "subject": ROBOT}
    else:
        oauth |= {
            "client_id": secure_tokens.client_id,
            "client_secret": secure_tokens.client_secret,
        }
    if grant == "refresh_token":
        oauth["refresh_token"] = secure_tokens.refresh_token()
    subject = f"engine by {grant}"

    ended = post(
        "submission",
        subject,
        auth="oauth2",
        username=ROBOT,
        from_address=ROBOT,
        oauth=oauth,
    )

    assert ended["status"] == "sent", ended
    assert len(sink.mail(subject)) == 1


def test_by_certificate(post, peer: Peer, sink):
    ended = post(
        "demands",
        "engine by certificate",
        auth="client_cert",
        client_cert=peer.client.certificate.read_text(),
        client_key=peer.client.key.read_text(),
    )

    assert ended["status"] == "sent", ended
    assert len(sink.mail("engine by certificate")) == 1


def test_by_address(post, sink):
    ended = post("mynetworks", "engine by address", auth="none")

    assert ended["status"] == "sent", ended
    assert len(sink.mail("engine by address")) == 1


def test_a_mail_that_is_refused_after_the_dot_has_failed(post):
    """550 to the content: nobody tries again, and the cause is told."""
    mail = {"headers": {"X-Refuse": "1"}}

    ended = post("mynetworks", "engine refused", auth="none", mail=mail)

    assert ended["status"] == "failed", ended
    assert ended["diagnosis"]["cause"] == "content_rejected_policy"
    assert [each["stage"] for each in ended["attempts"]] == ["post_data"]


def test_one_of_two_recipients_that_is_unknown_makes_it_partial(post, peer: Peer, sink):
    to = [peer.reader, "nobody@peer.example"]

    ended = post("mynetworks", "engine to two", auth="none", mail={"to": to})

    assert ended["status"] == "partial", ended
    states = {each["address"]: each["status"] for each in ended["recipients"]}
    assert states == {peer.reader: "sent", "nobody@peer.example": "failed"}
    ((arrived, _),) = sink.mail("engine to two")
    assert arrived.rcpt_tos == [peer.reader]


def test_a_wrong_password_keeps_the_mail_until_it_is_right(post, peer: Peer, sink):
    """The sender is wrong, not the mail: it waits, and goes with the repaired one."""
    by_password = {"auth": "password", "username": peer.user}

    wrong = post("submission", "engine, wrong", password="wrong", **by_password)
    right = post("submission", "engine, right", password=peer.password, **by_password)

    assert wrong["status"] == "deferred", wrong
    assert wrong["diagnosis"]["cause"] == "auth_bad_credentials"
    assert [each["stage"] for each in wrong["attempts"]] == ["auth"]
    assert right["status"] == "sent", right
    assert len(sink.mail("engine, right")) == 1
    assert len(sink.mail("engine, wrong")) == 1
