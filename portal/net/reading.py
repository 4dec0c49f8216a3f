"""What a name server's answer says: octets into records, within bounds.

Names and contents are read by dnspython, the walk over them is ours: its messages
compare all records with each other, at a price that somebody hostile could choose.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.wire
from dns.rdtypes.ANY.CNAME import CNAME
from dns.rdtypes.ANY.SOA import SOA
from dns.rdtypes.txtbase import TXTBase

MOST_RECORDS = 500  # of one answer; beyond that it is hostile, and not read
LONGEST_TEXT = 16 * 1024
_HEAD = struct.Struct("!HHHHHH")
_AD, _RCODE = 0x0020, 0x000F
_POINTER = 0xC0  # the two highest bits (RFC 1035 §4.1.4)
_LONGEST_TTL_S = 2**31 - 1  # what is more counts as none (RFC 2181 §8)
_END_IN_A_NAME = {
    dns.rdatatype.CNAME,
    dns.rdatatype.MX,
    dns.rdatatype.NS,
    dns.rdatatype.PTR,
    dns.rdatatype.SRV,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rr:
    """One resource record (RFC 1035 §3.2.1) of the Internet's class."""

    owner: dns.name.Name
    type: int
    ttl_s: int
    rdata: dns.rdata.Rdata


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`records` are those asked for and the aliases that lead there, `soa` is what a
    negative answer tells of its zone, `rcode` as with EDNS (RFC 6891 §6.1.3)."""

    rcode: int
    authenticated: bool
    records: tuple[Rr, ...]
    soa: Rr | None

    def of(self, name: dns.name.Name, type_: int) -> list[Rr]:
        return [rr for rr in self.records if rr.type == type_ and rr.owner == name]

    def alias_of(self, name: dns.name.Name) -> tuple[dns.name.Name, int] | None:
        """Where it leads, and for how many seconds."""
        for rr in self.of(name, dns.rdatatype.CNAME):
            if isinstance(rr.rdata, CNAME):
                return rr.rdata.target, rr.ttl_s
        return None

    @property
    def negative_ttl_s(self) -> int | None:
        """How long it is good for that there is nothing (RFC 2308 §5)."""
        soa = self.soa
        if soa is None or not isinstance(soa.rdata, SOA):
            return None
        return min(soa.ttl_s, soa.rdata.minimum)


def read_answer(wire: bytes, type_: int) -> Answer | None:
    """None: it cannot be read, or holds more than anybody would."""
    _, flags, questions, *counts = _HEAD.unpack_from(wire)
    if sum(counts) > MOST_RECORDS:
        return None
    walk = _Walk(wire)
    try:
        for _ in range(questions):
            walk.skip_question()
        found = walk.records(counts[0], {type_, dns.rdatatype.CNAME})
        zones = walk.records(counts[1], {dns.rdatatype.SOA})
        walk.records(counts[2], set())
    except dns.exception.DNSException:
        return None
    return Answer(
        rcode=flags & _RCODE | walk.more_of_rcode,
        authenticated=bool(flags & _AD),
        records=tuple(found),
        soa=zones[0] if zones else None,
    )


def texts_of(records: list[Rr]) -> list[str]:
    """Each once, as in a set (RFC 2181 §5): the same text in other parts is another."""
    unique = {
        rr.rdata.strings if isinstance(rr.rdata, TXTBase) else _text(rr.rdata): rr.rdata
        for rr in records
    }
    return list(map(_text, unique.values()))


def _text(rdata: dns.rdata.Rdata) -> str:
    if isinstance(rdata, TXTBase):
        joined: bytes = b"".join(rdata.strings)[:LONGEST_TEXT]
        return joined.decode("utf-8", "replace")
    if rdata.rdtype in _END_IN_A_NAME:
        head, blank, name = rdata.to_text().lower().rpartition(" ")
        return head + blank + (name.rstrip(".") or ".")
    return rdata.to_text()


class _Walk:
    """Over the sections of a message. What is pointed to by the same octets is the
    same name, and read once."""

    def __init__(self, wire: bytes) -> None:
        self._parser = dns.wire.Parser(wire, _HEAD.size)
        self._names: dict[bytes, dns.name.Name] = {}
        self.more_of_rcode = 0

    def skip_question(self) -> None:
        self._parser.get_name(decompress=True)
        self._parser.get_bytes(4)

    def records(self, count: int, wanted: set[int]) -> list[Rr]:
        found = []
        for _ in range(count):
            owner = self._owner()
            type_, class_, ttl_s, length = self._parser.get_struct("!HHIH")
            if type_ == dns.rdatatype.OPT and not wanted:
                self.more_of_rcode = ttl_s >> 24 << 4
            if class_ != dns.rdataclass.IN or type_ not in wanted:
                self._parser.get_bytes(length)
                continue
            with self._parser.restrict_to(length):
                rdata = dns.rdata.from_wire_parser(class_, type_, self._parser)
            ttl_s = ttl_s if ttl_s <= _LONGEST_TTL_S else 0
            found.append(Rr(owner=owner, type=type_, ttl_s=ttl_s, rdata=rdata))
        return found

    def _owner(self) -> dns.name.Name:
        at = self._parser.current
        head = self._parser.wire[at : at + 2]
        if head in self._names:
            self._parser.seek(at + 2)
            return self._names[head]
        name = self._parser.get_name(decompress=True)
        if head and head[0] >= _POINTER:
            self._names[head] = name
        return name
