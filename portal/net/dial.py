"""The first address of a host that answers."""

from __future__ import annotations

import socket
import time
from dataclasses import replace

from portal.net.types import Found, IPAddress, Net, NetFailure


async def first_to_answer(
    net: Net,
    found: Found,
    port: int,
    *,
    timeout_s: float,
    local_address: str | None = None,
) -> tuple[socket.socket, IPAddress] | NetFailure:
    """Each address gets its share of the patience, and what the ones before it left.

    The failure is the first one, with the words of all.
    """
    troubles: list[NetFailure] = []
    end = time.monotonic() + timeout_s
    for tried, address in enumerate(found.addresses):
        share = (end - time.monotonic()) / (len(found.addresses) - tried)
        connected = await net.open(
            address, port, timeout_s=max(share, 0), local_address=local_address
        )
        if not isinstance(connected, NetFailure):
            return connected, address
        troubles.append(connected)
    words = " ".join(dict.fromkeys(trouble.words for trouble in troubles))
    return replace(troubles[0], words=words)
