"""A name server on loopback that serves zones: UDP and TCP, answers as in the field.

A zone is text, a record a line: `@ TXT "v=spf1 -all"`, `*.box A 192.0.2.1`, names
relative to the zone or with a dot at their end. Names beneath are there as empty
ones (RFC 8020), wildcards and aliases as RFC 1034 §4.3.3 and §3.6.2 have them. Instead
of records a name may have a fate: `dead ! SERVFAIL`, `REFUSED`, `SILENT`, or `CUT`
(the answer over UDP is truncated, TCP has it whole), `BOGUS` (SERVFAIL but for who
leaves signatures alone, RFC 4035 §3.2.2).
"""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
import time
from collections import Counter, defaultdict

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

FATES = ("SERVFAIL", "REFUSED", "SILENT", "CUT", "BOGUS")
TTL_S = 300
NEGATIVE_TTL_S = 900
MOST_ALIASES = 12


class Zones:
    """`zones` maps a name to its records; `delay_s` is waited before each answer,
    `wait_s` at single names. `asked` counts the questions (`"example.org TXT"`)."""

    def __init__(
        self,
        zones: dict[str, str],
        *,
        authenticated: bool = False,
        delay_s: float = 0,
        wait_s: dict[str, float] | None = None,
    ) -> None:
        self.authenticated = authenticated
        self.delay_s = delay_s
        self.wait_s = wait_s or {}
        self.asked: Counter[str] = Counter()
        self.publish(zones)
        self._udp, self._tcp = _both()
        self.address: tuple[str, int] = self._udp.server_address
        for server in (self._udp, self._tcp):
            server.zones = self

    def publish(self, zones: dict[str, str]) -> None:
        """What is served from now on, instead of what was before."""
        self.records: dict[dns.name.Name, list[tuple[str, str]]] = defaultdict(list)
        self.fates: dict[dns.name.Name, str] = {}
        self.apexes = [dns.name.from_text(name) for name in zones]
        for name, text in zones.items():
            apex = dns.name.from_text(name)
            for line in text.strip().splitlines():
                if line.strip() and not line.strip().startswith(";"):
                    self._publish(apex, *line.split(None, 2))

    def _publish(self, apex: dns.name.Name, label: str, kind: str, value: str) -> None:
        name = apex if label == "@" else dns.name.from_text(label, origin=apex)
        if kind == "!":
            self.fates[name] = value.strip()
            assert value.strip() in FATES, value
        else:
            self.records[name].append((kind, value))

    def __enter__(self) -> Zones:
        for server in (self._udp, self._tcp):
            threading.Thread(
                target=server.serve_forever, args=(0.02,), daemon=True
            ).start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in (self._udp, self._tcp):
            server.shutdown()
            server.server_close()

    def answer(self, wire: bytes, *, over_udp: bool) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        text = question.name.to_text(omit_final_dot=True).lower()
        self.asked[f"{text} {dns.rdatatype.to_text(question.rdtype)}"] += 1
        time.sleep(self.wait_s.get(text, self.delay_s))
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        if self.authenticated:
            reply.flags |= dns.flags.AD
        fate = self.fates.get(question.name)
        if fate == "SILENT":
            return None
        if fate == "BOGUS" and not query.flags & dns.flags.CD:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif fate in ("SERVFAIL", "REFUSED"):
            reply.set_rcode(dns.rcode.from_text(fate))
        elif fate == "CUT" and over_udp:
            reply.flags |= dns.flags.TC
        else:
            self._fill(reply, question.name, dns.rdatatype.to_text(question.rdtype))
        made = reply.to_wire(max_size=65535)
        if over_udp and len(made) > max(query.payload, 512):
            reply.answer, reply.authority = [], []
            reply.flags |= dns.flags.TC
            made = reply.to_wire()
        return made

    def _fill(self, reply: dns.message.Message, name: dns.name.Name, kind: str) -> None:
        for _ in range(MOST_ALIASES):
            apex = self._apex(name)
            if apex is None:
                if not reply.answer:
                    reply.set_rcode(dns.rcode.REFUSED)
                return  # an alias that leads to nobody we know
            records = self._records(name)
            if records is None:
                reply.set_rcode(dns.rcode.NXDOMAIN)
                self._no(reply, apex)
                return
            for each, value in records:
                if each in (kind, "CNAME"):
                    reply.find_rrset(
                        reply.answer,
                        name,
                        1,
                        dns.rdatatype.from_text(each),
                        create=True,
                    ).update(_set(name, each, value, apex))
            target = [value for each, value in records if each == "CNAME"]
            if not target or kind == "CNAME":
                if not any(each == kind for each, _ in records):
                    self._no(reply, apex)
                return
            name = dns.name.from_text(target[0], origin=apex)

    def _apex(self, name: dns.name.Name) -> dns.name.Name | None:
        above = [apex for apex in self.apexes if name.is_subdomain(apex)]
        return max(above, key=len, default=None)

    def _records(self, name: dns.name.Name) -> list[tuple[str, str]] | None:
        """None where the name does not exist; empty where it only has others beneath."""
        known = {*self.records, *self.fates, *self.apexes}
        if name in self.records:
            return self.records[name]
        if any(each.is_subdomain(name) for each in known):
            return []
        encloser = name.parent()
        while not any(each.is_subdomain(encloser) for each in known):
            encloser = encloser.parent()
        return self.records.get(dns.name.from_text("*", origin=encloser))

    def _no(self, reply: dns.message.Message, apex: dns.name.Name) -> None:
        own = next((v for k, v in self.records.get(apex, ()) if k == "SOA"), None)
        soa = own or f"ns hostmaster 1 7200 900 1209600 {NEGATIVE_TTL_S}"
        reply.authority.append(_set(apex, "SOA", soa, apex))


def _set(
    name: dns.name.Name, kind: str, value: str, apex: dns.name.Name
) -> dns.rrset.RRset:
    return dns.rrset.from_text_list(
        name, TTL_S, 1, kind, [value], origin=apex, relativize=False
    )


def _both() -> tuple[_Datagrams, _Streams]:
    """At one port, which another test may hold for one of the two."""
    while True:
        tcp = _Streams(("127.0.0.1", 0), _Stream)
        try:
            return _Datagrams(tcp.server_address, _Datagram), tcp
        except OSError:
            tcp.server_close()


class _Datagrams(socketserver.ThreadingUDPServer):
    daemon_threads = True
    zones: Zones


class _Streams(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    address_family = socket.AF_INET
    zones: Zones


class _Datagram(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        wire, udp = self.request
        made = self.server.zones.answer(wire, over_udp=True)
        if made is not None:
            udp.sendto(made, self.client_address)


class _Stream(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        head = self.request.recv(2, socket.MSG_WAITALL)
        if len(head) < 2:
            return
        wire = self.request.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL)
        made = self.server.zones.answer(wire, over_udp=False)
        if made is not None:
            self.request.sendall(struct.pack("!H", len(made)) + made)
