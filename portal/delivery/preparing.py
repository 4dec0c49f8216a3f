"""SASLprep (RFC 4013): what becomes of a user name and a password in SCRAM."""

from __future__ import annotations


def fits(user: str, password: str) -> bool:
    """Whether there is a form of both: emoji, for one, are younger than its tables,
    and no two programs agree on what to do with them."""
    return bool(_prepared(user)) and _prepared(password) is not None


def keeps(user: str, password: str) -> bool:
    """Whether both stay as they were typed. Where they do not, relays differ: Dovecot
    keeps the password as it is, and so refuses the prepared one."""
    return all(_prepared(text) == text for text in (user, password))


def _prepared(text: str) -> str | None:
    if text.isascii() and text.isprintable():
        return text  # RFC 3454 has nothing to say of these
    # Here, as scramp takes long to import and hardly anybody types more than that.
    from scramp import ScramException
    from scramp.utils import saslprep

    try:
        found: str = saslprep(text)
    except ScramException:
        return None
    return found
