"""What people type about people and tenants: judged here, one sentence a field."""

from __future__ import annotations

import re
import unicodedata

from portal.address import BadAddress, parse_mailbox
from portal.crypto.passwords import is_guessable
from portal.errors import FieldError, Invalid

NAME_LENGTH = 100
SLUG_LENGTH = 48
# NIST SP 800-63B §3.1.1.2: length counts, composition does not.
SHORTEST, LONGEST = 12, 1000


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
    """Long enough and not to be guessed, also not from the words `around` it."""
    if len(text) < SHORTEST:
        findings.add(
            field,
            f"This password has {len(text)} characters. It needs {SHORTEST}.",
        )
    elif len(text) > LONGEST:
        findings.add(field, f"A password has at most {LONGEST} characters.")
    elif is_guessable(text, around):
        findings.add(field, "This password is among the first that attackers try.")
    return text


def slug(text: str) -> str:
    """`Acme Inc` → `acme-inc`; what has no Latin letter or digit is `tenant`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    return words[:SLUG_LENGTH].rstrip("-") or "tenant"


def _visible(character: str) -> bool:
    return character == " " or unicodedata.category(character)[0] not in "CZ"
