"""The name we greet relays with when the operator gives none."""

from __future__ import annotations

import os
import re
import socket
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from portal.config.relays import BadValue, address, host


def ehlo_name(text: str) -> str:
    """A fully qualified name or an address literal (RFC 5321 §4.1.1.1)."""
    match = re.fullmatch(r"\[(?:IPv6:)?([^\[\]]+)\]", text)
    if match:
        return literal(address(match[1]))
    return host(text)


def literal(text: str) -> str:
    """RFC 5321 §4.1.3: `[192.0.2.1]`, `[IPv6:2001:db8::1]`."""
    where = ip_address(text)
    return f"[IPv6:{where}]" if isinstance(where, IPv6Address) else f"[{where}]"


def default_ehlo_name(base_url: str | None) -> str:
    """The portal's own host, else this machine's qualified name, else its address.

    No look-up is made: a slow resolver must not delay the start.
    """
    machine = os.uname().nodename
    for name in (urlsplit(base_url).hostname if base_url else None, machine):
        if name and _is_qualified(name):
            return host(name)
    return literal(_outgoing_address())


def _is_qualified(name: str) -> bool:
    try:
        return "." in host(name) and not name.endswith((".localdomain", ".local"))
    except BadValue:
        return False


def _outgoing_address() -> str:
    """The address a packet to the outside would leave from; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 25))  # RFC 5737: an address of nobody
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
