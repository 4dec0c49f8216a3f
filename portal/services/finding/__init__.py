"""Find my settings: from an address or a host to the relay that takes its mail.

The catalogue, the DNS (SRV, MX), the document for mail programs and the usual names
say where to look; then every usual port is tried in every mode, all at once, without
a credential. Nothing of the store is imported here: `portal find` needs no database.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from portal.delivery.types import Limits
from portal.net.records import Dns
from portal.net.types import Net
from portal.providers.catalogue import Catalogue
from portal.services.finding.choosing import chosen
from portal.services.finding.looking import USUAL, look
from portal.services.finding.naming import (
    MOST_HOSTS,
    NAMES_S,
    is_near,
    leads,
    parse_asked,
)
from portal.services.finding.types import Asked, Door, Findings, Safety, Source, Way

WITHIN_S = 10.0
_DOOR_S = 5.0
_SPARE_S = 0.3  # to leave politely, and to write the answer


async def find(
    asked: Asked,
    net: Net,
    *,
    dns: Dns | None,
    https: Net | None,
    catalogue: Catalogue,
    ehlo_name: str,
    on_way: Callable[[Way], None] = lambda way: None,
    most_of_others: int = MOST_HOSTS,
    usual: tuple[Door, ...] = USUAL,
    ca_pem: str | None = None,
    within_s: float = WITHIN_S,
) -> Findings:
    """After `within_s` at the latest, with what is known then. `ca_pem` replaces the
    trust store."""
    ends_at = time.monotonic() + within_s - _SPARE_S
    where = await leads(
        asked,
        dns,
        https,
        catalogue,
        most_of_others=most_of_others,
        timeout_s=min(NAMES_S, within_s / 4),
    )
    left_s = max(ends_at - time.monotonic(), 0.1)
    ways = await look(
        where.leads,
        net,
        ehlo_name=ehlo_name,
        on_way=on_way,
        usual=usual,
        ca_pem=ca_pem,
        limits=Limits.every(min(_DOOR_S, left_s), left_s),
        within_s=left_s,
    )
    return chosen(asked, where, ways, catalogue)


__all__ = [
    "WITHIN_S",
    "Asked",
    "Door",
    "Findings",
    "Safety",
    "Source",
    "Way",
    "find",
    "is_near",
    "parse_asked",
]
