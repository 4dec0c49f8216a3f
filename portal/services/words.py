"""What people type about people and tenants: judged here, one sentence a field."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from portal.address import BadAddress, parse_mailbox
from portal.crypto.passwords import is_common
from portal.errors import FieldError, Invalid

NAME_LENGTH = 100
SLUG_LENGTH = 48
# NIST SP 800-63B §3.1.1.2: length counts, composition does not.
SHORTEST, LONGEST = 8, 1000


class Findings:
    """The fields that were refused, so that a form names all of them at once."""

    def __init__(self) -> None:
        self._errors: list[FieldError] = []

    def add(self, field: str, detail: str) -> None:
        self._errors.append(FieldError(field, detail))

    def done(self) -> None:
        """Raises Invalid if a field was refused."""
        if self._errors:
            raise Invalid.many(self._errors)


def name(text: str, field: str, findings: Findings, *, what: str) -> str:
    """A name as shown: something visible, no controls, at most 100 characters."""
    shown = " ".join(text.split())
    if not shown:
        findings.add(field, f"Please give {what}.")
    elif len(shown) > NAME_LENGTH:
        findings.add(field, f"This is longer than {NAME_LENGTH} characters.")
    elif not all(_visible(character) for character in shown):
        findings.add(field, "This holds a character that cannot be shown.")
    return shown


def email(text: str, findings: Findings, field: str = "email") -> str:
    """A person's address in lower case, which is how people are told apart."""
    try:
        return str(parse_mailbox(text.strip())).lower()
    except BadAddress as error:
        findings.add(field, str(error))
        return ""


def password(
    text: str, findings: Findings, *, around: tuple[str, ...], field: str = "password"
) -> str:
    """Long enough and not to be guessed from the words `around` it."""
    plain = text.casefold()
    close = {word.casefold() for word in around if word}
    close |= {word.partition("@")[0] for word in close}
    if len(text) < SHORTEST:
        findings.add(field, f"A password has at least {SHORTEST} characters.")
    elif len(text) > LONGEST:
        findings.add(field, f"A password has at most {LONGEST} characters.")
    elif plain in close:
        findings.add(field, "This password is the name or the address beside it.")
    elif len(set(plain)) < 4 or _is_row(plain) or is_common(text):
        findings.add(field, "This password is among the first that attackers try.")
    return text


def slug(text: str) -> str:
    """`Acme Inc` → `acme-inc`; what has no Latin letter or digit is `tenant`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    return words[:SLUG_LENGTH].rstrip("-") or "tenant"


def _visible(character: str) -> bool:
    return character == " " or unicodedata.category(character)[0] not in "CZ"


def _is_row(text: str) -> bool:
    """`12345678`, `abcdefgh`, `87654321`: each character follows the one before."""
    steps = {ord(b) - ord(a) for a, b in pairwise(text)}
    return steps in ({1}, {-1})
