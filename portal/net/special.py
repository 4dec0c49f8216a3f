"""Which addresses are special: our own table of networks no tenant may reach.

`ipaddress.is_global` is no guard: it is True for NAT64 and 6to4 addresses of
loopback, for multicast and for a cloud's wire server. The table follows the
IANA special-purpose registries (RFC 6890) and errs on the side of refusing.
"""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Network,
    ip_address,
)

from portal.net.types import IPAddress

_SPECIAL_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network, RFC 791
        "10.0.0.0/8",  # private, RFC 1918
        "100.64.0.0/10",  # shared, RFC 6598
        "127.0.0.0/8",  # loopback, RFC 1122
        "168.63.129.16/32",  # Azure's wire server
        "169.254.0.0/16",  # link-local, RFC 3927
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments, RFC 6890
        "192.0.2.0/24",  # documentation, RFC 5737
        "192.31.196.0/24",  # AS112, RFC 7535
        "192.52.193.0/24",  # AMT, RFC 7450
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112, RFC 7534
        "198.18.0.0/15",  # benchmarks, RFC 2544
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast, RFC 5771
        "240.0.0.0/4",  # reserved and broadcast
    )
)
_GLOBAL_6 = IPv6Network("2000::/3")  # the only part given out, RFC 4291 §2.4
_SPECIAL_6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation, RFC 3849
        "2002::/16",  # 6to4, RFC 7526: its IPv4 half may be anything
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation, RFC 9637
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052 §2.1

_INNER_NAMES = (
    *(".localhost", ".local", ".internal", ".intranet", ".localdomain"),
    *(".lan", ".home", ".home.arpa", ".corp", ".private"),
)

# Clouds hand out credentials here. Some lie outside the special networks.
_METADATA = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # nearly all
        "169.254.169.253",  # AWS resolver
        "169.254.170.2",  # AWS containers
        "169.254.170.23",  # AWS pods
        "168.63.129.16",  # Azure
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "fd00:ec2::254",  # AWS
        "fd00:ec2::253",
        "fd00:ec2::23",
        "fd20:ce::254",  # Google
    )
)
_METADATA_NAMES = frozenset(
    {
        "instance-data",
        "instance-data.ec2.internal",
        "metadata",
        "metadata.azure.internal",
        "metadata.goog",
        "metadata.google.internal",
        "metadata.packet.net",
        "metadata.platformequinix.com",
        "metadata.tencentyun.com",
    }
)


def is_special(address: IPAddress) -> bool:
    """Not an address on the open internet where a relay could be.

    An IPv4 address inside an IPv6 one is judged as IPv4 where the form is in
    use (mapped, NAT64); the dead forms (compatible, 6to4, Teredo) are special.
    """
    address = embedded(address)
    if isinstance(address, IPv4Address):
        return any(address in network for network in _SPECIAL_4)
    if address.scope_id is not None or address not in _GLOBAL_6:
        return True
    return any(address in network for network in _SPECIAL_6)


def is_metadata(address: IPAddress) -> bool:
    return embedded(address) in _METADATA


def is_inner_name(host: str) -> bool:
    """A name that only a network of one's own knows (RFC 6762 §3, RFC 8375, and the
    ones that everybody uses): whether it is there is no business of a tenant."""
    is_literal = ":" in host
    return not is_literal and ("." not in host or host.endswith(_INNER_NAMES))


def is_metadata_name(host: str) -> bool:
    return host in _METADATA_NAMES


def embedded(address: IPAddress) -> IPAddress:
    """The IPv4 address a packet ends up at, if it is wrapped; else the same."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
