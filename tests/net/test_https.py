"""Questions over HTTPS, against real servers on loopback that behave and misbehave."""

from __future__ import annotations

import asyncio
import time
from ipaddress import ip_network
from pathlib import Path

import pytest

from portal.config import AllowRule, Settings
from portal.net.guard import GuardedNet, Policy, policy_of
from portal.net.https import BadUrl, HttpAnswer, parse_url, post_form
from portal.net.open import OpenNet
from portal.net.types import NetFailure, NetTrouble
from tests.relays.tokens import HUGE, REDIRECT, SLOW, Says

READ = "! read 225\n"  # the whole request: what stays unread resets the connection
OK = b"HTTP/1.1 200 OK\r\n"


def post(url: str, net=None, **values) -> HttpAnswer | NetFailure:
    values.setdefault("timeout_s", 10)
    fields = values.pop("fields", {"grant_type": "x y", "secret": "é&=+"})
    return asyncio.run(post_form(net or OpenNet(), url, fields, **values))


def answers(play, raw: bytes, end: str = "! close"):
    """The URL of a server that reads the request and answers these bytes."""
    escaped = raw.decode("latin-1").encode("unicode_escape").decode()
    relay = play(f"{READ}! raw {escaped}\n{end}\n")
    return f"http://127.0.0.1:{relay.port}/token"


def test_form_is_posted_over_https(token_server, authority):
    server = token_server(tls=authority.contexts["good"])

    answer = post(server.token_url, ca_pem=authority.pem)

    assert answer.status == 400
    assert server.asked == [{"grant_type": "x y", "secret": "é&=+"}]
    seen = server.seen[0].headers
    assert seen["Host"] == f"127.0.0.1:{server.port}"
    assert "Authorization" not in seen


@pytest.mark.parametrize("shown", ["wrong-name", "untrusted", "expired", "old"])
def test_server_that_is_not_trusted_hears_nothing(token_server, authority, shown):
    server = token_server(tls=authority.contexts[shown])

    failure = post(server.token_url, ca_pem=authority.pem)

    assert isinstance(failure, NetFailure)
    assert failure.trouble in (NetTrouble.TLS, NetTrouble.PROTOCOL)
    assert server.seen == []


def test_certificate_failure_keeps_its_name(token_server, authority):
    server = token_server(tls=authority.contexts["expired"])

    failure = post(server.token_url, ca_pem=authority.pem)

    assert failure.trouble is NetTrouble.TLS
    assert failure.exception == "ssl.SSLCertVerificationError"
    assert "certificate has expired" in failure.words


def test_ca_that_is_none_is_said(token_server, authority):
    server = token_server(tls=authority.contexts["good"])

    failure = post(server.token_url, ca_pem="not a certificate")

    assert failure.trouble is NetTrouble.TLS
    assert server.seen == []


def test_redirect_is_not_followed(token_server):
    server = token_server(always_says=REDIRECT)

    answer = post(server.token_url, allow_http=True)

    assert answer.status == 302
    assert answer.header("location") == "http://127.0.0.1:1/token"
    assert len(server.seen) == 1


def test_proxy_of_the_environment_is_not_asked(token_server, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    server = token_server(always_says=Says(status=200, body=b"{}"))

    assert post(server.token_url, allow_http=True).status == 200


def test_long_answer_ends_at_64_kb(token_server):
    server = token_server(always_says=HUGE)

    failure = post(server.token_url, allow_http=True)

    assert failure.trouble is NetTrouble.PROTOCOL
    assert "longer than 64 KB" in failure.words


def test_body_of_exactly_64_kb_is_taken(token_server):
    server = token_server(always_says=Says(body=b"x" * 64 * 1024))

    assert len(post(server.token_url, allow_http=True).body) == 64 * 1024


def test_silent_server_is_left_after_the_limit(token_server):
    server = token_server(always_says=SLOW)
    started = time.monotonic()

    failure = post(server.token_url, allow_http=True, timeout_s=0.3)

    assert failure.trouble is NetTrouble.TIMED_OUT
    assert time.monotonic() - started < 5


def test_dripping_server_is_left_after_the_limit(play):
    """Each byte comes in time; the whole does not."""
    relay = play(f"{READ}! drip {'HTTP/1.1 200 OK' * 20}\n! close\n")

    failure = post(
        f"http://127.0.0.1:{relay.port}/token", allow_http=True, timeout_s=0.4
    )

    assert failure.trouble is NetTrouble.TIMED_OUT


@pytest.mark.parametrize(
    "raw",
    [
        OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n",
        OK + b"Content-Length: 7\r\n\r\nabcdefg",
        OK + b"\r\nabcdefg",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 7\r\n\r\nabcdefg",
        b"HTTP/1.0 200 OK\r\n\r\nabcdefg",
    ],
)
def test_body_is_read_in_each_of_its_forms(play, raw):
    """RFC 9112 §6: chunked, counted, or up to the end of the connection."""
    answer = post(answers(play, raw), allow_http=True)

    assert answer.status == 200
    assert answer.body == b"abcdefg"


def test_server_that_stays_open_is_not_waited_for(play):
    url = answers(play, OK + b"Content-Length: 2\r\n\r\n{}", "! silence")

    assert post(url, allow_http=True, timeout_s=5).body == b"{}"


@pytest.mark.parametrize(
    "raw",
    [
        b"220 relay.example ESMTP\r\n",
        OK + b"Content-Length: 9\r\n\r\nabc",
        OK + b"Content-Length: 9\r\nContent-Length: 8\r\n\r\nabcdefghi",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        OK + b"X: " + b"y" * 60_000 + b"\r\n\r\n",
        b"",
    ],
)
def test_answer_that_is_no_http_is_a_failure(play, raw):
    failure = post(answers(play, raw), allow_http=True)

    assert isinstance(failure, NetFailure)
    assert failure.trouble is NetTrouble.PROTOCOL


def test_closed_port_is_a_failure_of_the_net(play):
    relay = play("! close\n")
    relay.close()

    failure = post(f"http://127.0.0.1:{relay.port}/", allow_http=True)

    assert failure.trouble is NetTrouble.REFUSED
    assert failure.exception == "ConnectionRefusedError"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://login.example.org/token", "https://"),
        ("ftp://login.example.org/token", "https://"),
        ("login.example.org/token", "https://"),
        ("https://", "character"),
        ("https:///token", "no host"),
        ("https://user:pw@login.example.org/token", "user name"),
        ("https://login.example.org/to ken", "character"),
        ("https://login.example.org/token\r\nX: y", "character"),
        ("https://login.example.org/token#part", "character"),
        ("https://login.example.org\\@evil.example/", "character"),
        ("https://login.example.org:0/token", "port"),
        ("https://login.example.org:99999/token", "URL"),
        ("https://[::1/token", "URL"),
        ("https://2130706433/token", "host"),
    ],
)
def test_url_that_is_none_is_refused(url, words):
    with pytest.raises(BadUrl, match=words):
        parse_url(url)


def test_url_is_read():
    url = parse_url("HTTPS://Login.Example.org/t%20/token?api=1")

    assert (url.host, url.port, url.target) == (
        "login.example.org",
        443,
        "/t%20/token?api=1",
    )
    assert str(url) == "https://login.example.org/t%20/token?api=1"
    assert parse_url("https://[2001:db8::1]:8443").authority == "[2001:db8::1]:8443"


def test_guard_takes_443_alone_for_https():
    """The ports of relays are none of a token end point's."""
    guarded = GuardedNet(
        policy_of(Settings(instance=Path()), forbidden_s=0, https=True)
    )

    def find(port):
        return asyncio.run(guarded.find("8.8.8.8", port, timeout_s=5))

    assert not isinstance(find(443), NetFailure)
    for port in (25, 587, 80, 8443):
        failure = find(port)
        assert failure.trouble is NetTrouble.FORBIDDEN
        assert failure.remedy == f"PORTAL_RELAY_ALLOW=8.8.8.8:{port}"


def test_guard_forbids_a_server_on_loopback(token_server):
    server = token_server()

    failure = post(server.token_url, GuardedNet(Policy(forbidden_s=0)), allow_http=True)

    assert failure.trouble is NetTrouble.FORBIDDEN
    assert server.seen == []


def test_guard_lets_pass_what_the_operator_lists(token_server):
    server = token_server(always_says=Says(body=b"{}"))
    rule = AllowRule(network=ip_network("127.0.0.1/32"), port=server.port)
    policy = policy_of(Settings(instance=Path()), [rule], forbidden_s=0, https=True)

    answer = post(server.token_url, GuardedNet(policy), allow_http=True)

    assert answer.status == 200
