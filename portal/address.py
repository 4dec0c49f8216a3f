"""Mailboxes, domains and host names: one strict parser for all of them.

In one line: what is stored is what RCPT says. Hence only dot-atom
local parts (RFC 5321 §4.1.2, RFC 6531 §3.3) and domains as A-labels (RFC 5890
§2.3.2.1); quoted local parts, comments, routes, groups, literals and encoded
words are refused rather than understood.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address

import idna

MAILBOX_OCTETS = 254  # RFC 5321 §4.5.3.1.3 less the angle brackets
LOCAL_OCTETS = 64  # RFC 5321 §4.5.3.1.1
DOMAIN_OCTETS = 253  # RFC 1035 §2.3.4 without the root
NAME_LENGTH = 200

_ATEXT = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HOST_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_QUOTED_NAME = re.compile(r'"((?:[^"\\]|\\.)*)"')
# Bidirectional overrides and isolates: they make one name look like another.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"})
# Stops that IDNA reads as the dot between labels (RFC 3490 §3.1).
_OTHER_DOTS = frozenset("\u3002\uff0e\uff61")
_SPECIALS = frozenset('()<>[]:;@\\,"')  # RFC 5322 §3.2.3 without the dot


class BadAddress(ValueError):
    """Text that is no address here; `str()` is one sentence for people."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """`local@domain`, the domain as lower-case A-labels."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def needs_smtputf8(self) -> bool:
        return not self.local.isascii()


@dataclass(frozen=True, slots=True)
class Named:
    """A mailbox and the name shown beside it."""

    mailbox: Mailbox
    name: str = ""

    def __str__(self) -> str:
        if not self.name:
            return str(self.mailbox)
        name = self.name
        if _SPECIALS.intersection(name):
            name = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
        return f"{name} <{self.mailbox}>"


def parse_mailbox(text: str) -> Mailbox:
    """The mailbox written as `kim@example.org`, and nothing else around it.

    Raises BadAddress.
    """
    if not text:
        raise BadAddress("An e-mail address is missing.")
    if len(text) > 2 * MAILBOX_OCTETS:
        raise BadAddress(f"An e-mail address has at most {MAILBOX_OCTETS} octets.")
    _refuse_unseen(text, f"The address {_shown(text)}")
    if "=?" in text:
        raise BadAddress(f"The address {_shown(text)} holds an encoded word (“=?”).")
    if text.count("@") != 1:
        raise BadAddress(f"The address {_shown(text)} needs exactly one “@”.")
    local, domain = text.split("@")
    mailbox = Mailbox(_local(local, text), _domain(domain, f"of {_shown(text)} "))
    if len(str(mailbox).encode()) > MAILBOX_OCTETS:
        raise BadAddress(f"An e-mail address has at most {MAILBOX_OCTETS} octets.")
    return mailbox


def parse_named(text: str) -> Named:
    """`Name <kim@example.org>`, `"Name, with specials" <kim@…>` or `kim@…`.

    Raises BadAddress.
    """
    text = text.strip(" ")
    if not text.endswith(">"):
        return Named(parse_mailbox(text))
    name, bracket, mailbox = text[:-1].rpartition("<")
    if not bracket:
        raise BadAddress(f"The address {_shown(text)} has a “>” without its “<”.")
    return Named(parse_mailbox(mailbox), _unquoted(name.strip(" "), text))


def parse_name(text: str) -> str:
    """A display name as it is, without quotes, or BadAddress."""
    for character in text:
        if character in _BIDI or unicodedata.category(character) in ("Cc", "Cs"):
            raise BadAddress("A name may not hold control characters.")
        if character in "\u2028\u2029":
            raise BadAddress("A name may not hold line breaks.")
    if "=?" in text:
        raise BadAddress("A name may not hold an encoded word (“=?”).")
    if len(text) > NAME_LENGTH:
        raise BadAddress(f"A name has at most {NAME_LENGTH} characters.")
    return text


def parse_domain(text: str) -> str:
    """A domain of two or more labels, as lower-case A-labels.

    Raises BadAddress.
    """
    return _domain(text, "")


def parse_host(text: str) -> str:
    """The host of a relay: a name of one or more labels, or an address literal.

    Names come back as lower-case A-labels without the dot of the root, literals
    in their one canonical spelling without brackets. Other ways to write a number (`127.1`, `0x7f.1`,
    `2130706433`) are refused: getaddrinfo would take them for addresses.

    Raises BadAddress.
    """
    if not text:
        raise BadAddress("A host name is missing.")
    literal = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        if ":" in literal and "%" not in literal:
            return str(IPv6Address(literal))
        return str(IPv4Address(text))
    except AddressValueError:
        name = text[:-1] if text.endswith(".") else text
        return _labels(name, _HOST_LABEL, "host name ")


def is_address(text: str) -> bool:
    """Whether it is an IP address, in neither brackets nor with a port."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _local(local: str, whole: str) -> str:
    if not local:
        raise BadAddress(f"The address {_shown(whole)} has nothing before its “@”.")
    if len(local.encode()) > LOCAL_OCTETS:
        raise BadAddress(
            f"The part before the “@” of {_shown(whole)} is longer than "
            f"{LOCAL_OCTETS} octets."
        )
    if local.startswith('"'):
        raise BadAddress(
            f"The address {_shown(whole)} has a quoted part before its “@”, "
            "which is not supported."
        )
    if "" in local.split("."):
        raise BadAddress(
            f"The part before the “@” of {_shown(whole)} has a dot too many."
        )
    for character in local:
        if character != "." and not _in_local(character):
            raise BadAddress(
                f"The part before the “@” of {_shown(whole)} may not hold "
                f"{_shown(character)}."
            )
    return local


def _in_local(character: str) -> bool:
    if character.isascii():
        return _ATEXT.fullmatch(character) is not None
    # A full-width at sign or stop folds to one that means something here: another
    # program may fold them, and then reads another address.
    if character in _OTHER_DOTS:
        return False
    folded = unicodedata.normalize("NFKC", character)
    return all(not c.isascii() or _ATEXT.fullmatch(c) for c in folded)


def _domain(text: str, of: str) -> str:
    domain = _labels(text, _LABEL, f"domain {of}")
    if "." not in domain:
        raise BadAddress(
            f"The domain {of}needs two or more parts, as in “example.org”."
        )
    return domain


def _labels(text: str, pattern: re.Pattern[str], what: str) -> str:
    """The A-labels of a name; `what` ends in a space and names it in sentences."""
    if not text:
        raise BadAddress(f"The {what}is empty.")
    if text.startswith("["):
        raise BadAddress(f"The {what}is an address literal, which is not supported.")
    if len(text) > DOMAIN_OCTETS:
        raise BadAddress(f"The {what}is longer than {DOMAIN_OCTETS} octets.")
    _refuse_unseen(text, f"The {what.rstrip()}")
    labels = [_a_label(label, pattern, what) for label in text.split(".")]
    name = ".".join(labels)
    if len(name) > DOMAIN_OCTETS:
        raise BadAddress(f"The {what}is longer than {DOMAIN_OCTETS} octets.")
    if _NUMBER.fullmatch(labels[-1]):
        raise BadAddress(f"The {what}ends in a number, which no name does.")
    return name


def _a_label(label: str, pattern: re.Pattern[str], what: str) -> str:
    if not label:
        raise BadAddress(f"The {what}has a dot too many.")
    for character in label:
        if _becomes_ascii(character):
            raise BadAddress(f"The {what}may not hold {_shown(character)}.")
    try:
        if not label.isascii():
            return idna.encode(label, uts46=True).decode("ascii")
        label = label.lower()
        if label.startswith("xn--"):
            idna.decode(label)
    except UnicodeError as error:
        raise BadAddress(
            f"The {what}has the part {_shown(label)}, which is no valid "
            "international name."
        ) from error
    if not pattern.fullmatch(label):
        raise BadAddress(
            f"The {what}has the part {_shown(label)}: a part is 1 to 63 letters, "
            "digits and inner hyphens."
        )
    return label


def _becomes_ascii(character: str) -> bool:
    """Circled digits, a long s, other stops: on the way they make another name."""
    if character.isascii():
        return False
    folded = unicodedata.normalize("NFKC", character)
    return character in _OTHER_DOTS or any(c.isascii() for c in folded)


def _unquoted(name: str, whole: str) -> str:
    quoted = _QUOTED_NAME.fullmatch(name)
    if quoted:
        return parse_name(re.sub(r"\\(.)", r"\1", quoted[1]))
    for character in name:
        if character in _SPECIALS:
            raise BadAddress(
                f"The name in {_shown(whole)} holds {_shown(character)}: write such "
                "a name in double quotes."
            )
    return parse_name(name)


def _refuse_unseen(text: str, what: str) -> None:
    for character in text:
        if unicodedata.category(character) in _INVISIBLE:
            raise BadAddress(
                f"{what} may not hold spaces, control or invisible characters."
            )


def _shown(text: str) -> str:
    """Hostile text inside a sentence: short, and nothing in it acts."""
    clean = "".join(
        c if c == " " or unicodedata.category(c) not in _INVISIBLE else "\ufffd"
        for c in text[:80]
    )
    return f"“{clean}{'…' if len(text) > 80 else ''}”"
