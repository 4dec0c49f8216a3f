"""How often a tenant may have the DNS asked: a check is up to sixty questions."""

from __future__ import annotations

from portal.services import limits
from portal.services.actor import Actor

CHECKS, CHECKS_WINDOW_S = 6, 60
CHECKS_A_DAY = 200


def spend(actor: Actor) -> None:
    """One check. Raises TooMany."""
    for name, most, window_s in (
        ("domain-check", CHECKS, CHECKS_WINDOW_S),
        ("domain-check-day", CHECKS_A_DAY, 86400),
    ):
        limits.spend(
            actor.installation,
            f"{name}:{actor.here.public_id}",
            limit=most,
            window_s=window_s,
            sentence=f"{most} checks have run in a short time. Check again {{when}}.",
        )
