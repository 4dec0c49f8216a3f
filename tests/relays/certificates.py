"""A throw-away certification authority and what it should and should not issue."""

from __future__ import annotations

import datetime
import ssl
from dataclasses import dataclass

import trustme


@dataclass(frozen=True)
class Authority:
    """`pem` is what a client trusts; `contexts` are servers' by what they show.

    `contexts["private"]` shows its own authority along, as internal relays do.
    `contexts["asks"]` takes a certificate of ours from a client, `["demands"]` ends
    the handshake without one. `clients` are certificates with their keys, in PEM:
    `good`, `expired`, `early` and, from an authority that no server trusts,
    `stranger`. Their common name is `app.peer.example`.
    """

    pem: str
    contexts: dict[str, ssl.SSLContext]
    clients: dict[str, Client]


@dataclass(frozen=True)
class Client:
    certificate: str
    key: str


def make_authority() -> Authority:
    authority, stranger = trustme.CA(), trustme.CA()
    past = datetime.datetime(2024, 3, 12, tzinfo=datetime.UTC)
    day, now = datetime.timedelta(1), datetime.datetime.now(datetime.UTC)
    names = ("localhost", "127.0.0.1", "relay.test")
    return Authority(
        pem=authority.cert_pem.bytes().decode(),
        contexts={
            "good": _server(authority.issue_cert(*names)),
            "expired": _server(
                authority.issue_cert(*names, not_before=past, not_after=past + day)
            ),
            "wrong-name": _server(authority.issue_cert("other.example")),
            "untrusted": _server(stranger.issue_cert(*names)),
            "self-signed": _self_signed(stranger),
            "private": _private(stranger, stranger.issue_cert(*names)),
            "old": _old(authority.issue_cert(*names)),
            "asks": _asking(authority, ssl.CERT_OPTIONAL, *names),
            "demands": _asking(authority, ssl.CERT_REQUIRED, *names),
        },
        clients={
            "good": _client(authority),
            "expired": _client(authority, not_before=past, not_after=past + day),
            "early": _client(authority, not_before=now + day, not_after=now + 2 * day),
            "stranger": _client(stranger),
        },
    )


def _client(authority: trustme.CA, **dates: datetime.datetime) -> Client:
    name = "app.peer.example"
    issued = authority.issue_cert(name, common_name=name, **dates)
    return Client(
        certificate="".join(pem.bytes().decode() for pem in issued.cert_chain_pems),
        key=issued.private_key_pem.bytes().decode(),
    )


def _asking(authority: trustme.CA, mode: ssl.VerifyMode, *names: str) -> ssl.SSLContext:
    context = _server(authority.issue_cert(*names))
    authority.configure_trust(context)
    context.verify_mode = mode
    return context


def _server(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def _self_signed(authority: trustme.CA) -> ssl.SSLContext:
    """The authority's own certificate, shown as if it were a server's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with (
        authority.cert_pem.tempfile() as certificate,
        authority.private_key_pem.tempfile() as key,
    ):
        context.load_cert_chain(certificate, key)
    return context


def _private(authority: trustme.CA, issued: trustme.LeafCert) -> ssl.SSLContext:
    """The certificate and, behind it, the root that nobody else knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    chain = [*issued.cert_chain_pems, authority.cert_pem]
    whole = trustme.Blob(b"".join(each.bytes() for each in chain))
    with whole.tempfile() as shown, issued.private_key_pem.tempfile() as key:
        context.load_cert_chain(shown, key)
    return context


def _old(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """A server from before TLS 1.2. OpenSSL says in a warning how old that is."""
    import warnings

    context = _server(certificate)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context
