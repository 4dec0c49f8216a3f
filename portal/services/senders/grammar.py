"""How each field of a sender is written; every parser raises a clear sentence."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit, urlunsplit

from portal.address import parse_domain, parse_host, parse_mailbox, parse_name
from portal.config.names import ehlo_name
from portal.net.special import is_inner_name

WITH_PASSWORD = ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN", "CRAM-MD5")
WITH_TOKEN = ("XOAUTH2", "OAUTHBEARER")
WITH_CERTIFICATE = ("EXTERNAL",)
MECHANISMS = (*WITH_PASSWORD, *WITH_TOKEN, *WITH_CERTIFICATE)
NAME_LENGTH = 100
USERNAME_LENGTH = 320
PEM_LENGTH = 65536
URL_LENGTH = 2000
SCOPE_LENGTH = 2000
MOST_A_PERIOD = 100_000_000
MOST_BLOCKLISTS = 4

_REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_SELECTOR = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,61}[a-z0-9_])?")
# RFC 6749 §3.3 and §A.1: what scopes and client ids may be written with.
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")
_CLIENT_ID = re.compile(r"[\x20-\x7e]{1,512}")
_HOST_AND_PORT = re.compile(r"[^:]+:[0-9]+|\[.*\]:[0-9]+")


def name(text: str) -> str:
    if len(text) > NAME_LENGTH:
        raise ValueError(f"A name has at most {NAME_LENGTH} characters.")
    return parse_name(text)


def host(text: str) -> str:
    if "://" in text:
        raise ValueError("This is a host name alone, without “://”.")
    if _HOST_AND_PORT.fullmatch(text):
        raise ValueError("This is the host alone; the port has its own field.")
    return parse_host(text.removesuffix("."))


def address(text: str) -> str:
    return str(parse_mailbox(text))


def domain(text: str) -> str:
    return parse_domain(text.removesuffix("."))


def blocklist(text: str) -> str:
    """The zone of a list (RFC 5782 §2). The names of an inner network are not asked
    for: the answer would tell a tenant what is there."""
    if "/" in text:
        raise ValueError("A block list is a name like zen.spamhaus.org, no address.")
    found = domain(text)
    if is_inner_name(found):
        raise ValueError(f"“{found}” is a name of an inner network.")
    return found


def mailbox_or_domain(text: str) -> str:
    """`kim@example.org`, or `example.org` for everybody there."""
    at = text.find("@")
    return address(text) if at > 0 else domain(text[at + 1 :])


def region(text: str) -> str:
    if not _REGION.fullmatch(text):
        raise ValueError("A region is the provider's short name, like eu-west-1.")
    return text


def mechanism(text: str) -> str:
    if text.upper() not in MECHANISMS:
        raise ValueError(f"A mechanism is one of {', '.join(MECHANISMS)}.")
    return text.upper()


def username(text: str) -> str:
    # RFC 4616 §2: NUL parts the fields of PLAIN; CR and LF end a command.
    if any(character in text for character in "\0\r\n"):
        raise ValueError("A user name may not hold line breaks or NUL.")
    if len(text) > USERNAME_LENGTH:
        raise ValueError(f"A user name has at most {USERNAME_LENGTH} characters.")
    return text


def certificates(text: str) -> str:
    """One or more CA certificates in PEM; they replace the trust store."""
    if len(text) > PEM_LENGTH:
        raise ValueError("This is longer than any chain of certificates.")
    if "PRIVATE KEY" in text:
        raise ValueError("This holds a private key; a certificate is enough.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError, TypeError):  # the last: not ASCII
        raise ValueError("This is no certificate in PEM (BEGIN CERTIFICATE).") from None
    return text.replace("\r\n", "\n") + "\n"


def https_url(text: str) -> str:
    """An address of a token or consent page (RFC 6749 §3): https, nothing hidden."""
    if "{" in text or "}" in text:
        raise ValueError("Put your own value in the place of the braces.")
    if len(text) > URL_LENGTH or any(each <= " " or each > "~" for each in text):
        raise ValueError("This is an address like https://login.example.org/token.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("The port of this address is no number.") from None
    if parts.scheme.lower() != "https":
        raise ValueError("This address begins with https://.")
    if parts.username is not None or parts.password is not None:
        raise ValueError("A user name or password does not belong into an address.")
    if "#" in text:
        raise ValueError("This address may not have a fragment (“#…”).")
    named = parse_host((parts.hostname or "").removesuffix("."))
    shown = f"[{named}]" if ":" in named else named
    at = shown if port in (None, 443) else f"{shown}:{port}"
    return urlunsplit(("https", at, parts.path or "/", parts.query, ""))


def scope(text: str) -> str:
    found = " ".join(text.split())
    if len(found) > SCOPE_LENGTH or not _SCOPE.fullmatch(found):
        raise ValueError("Scopes are words with blanks between them (RFC 6749 §3.3).")
    return found


def client_id(text: str) -> str:
    if not _CLIENT_ID.fullmatch(text):
        raise ValueError("A client id is one line of plain characters.")
    return text


def ehlo(text: str) -> str:
    try:
        return ehlo_name(text)
    except ValueError as error:
        raise ValueError(f"The EHLO name {error}.") from None


def ip(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise ValueError("This is an IP address, like 198.51.100.24.") from None


def selector(text: str) -> str:
    """Consoles show the whole name that the key stands at: it is cut there."""
    given = text.lower().partition("._domainkey")[0]
    if not _SELECTOR.fullmatch(given) or given.startswith("_domainkey"):
        raise ValueError("A selector is the name before “._domainkey”.")
    return given


NEEDED: dict[str, Callable[[str], str]] = {
    "name": name,
    "host": host,
    "from_address": address,
}
