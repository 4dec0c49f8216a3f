"""Proof from a received mail: what it shows, and what of it the sender may adopt."""

from portal.services.domains.proof.adopting import adopt
from portal.services.domains.proof.proving import (
    IS_OUTLOOK,
    IS_PAGE,
    MOST_QUESTIONS,
    NO_FROM,
    NO_MAIL,
    NOTHING,
    PROOFS,
    prove,
)

__all__ = [
    "IS_OUTLOOK",
    "IS_PAGE",
    "MOST_QUESTIONS",
    "NOTHING",
    "NO_FROM",
    "NO_MAIL",
    "PROOFS",
    "adopt",
    "prove",
]
