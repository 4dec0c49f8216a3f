"""A DNS server on loopback that answers from a dictionary."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from ipaddress import ip_address

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


class NameServer:
    """`names` maps a host to addresses, to `NXDOMAIN` or `SERVFAIL`, or to
    `None` for silence. A list of lists is one answer after the other, the last
    one for good (rebinding). A host that is not there does not exist."""

    def __init__(self, names: dict[str, object], port: int = 0) -> None:
        self.names = names
        self.asked: Counter[str] = Counter()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", port))
        self.address = ("127.0.0.1", self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> NameServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.address)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            wire, peer = self._socket.recvfrom(65535)
            if not wire:
                return
            answer = self._answer(dns.message.from_wire(wire))
            if answer is not None:
                self._socket.sendto(answer.to_wire(), peer)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        kind = dns.rdatatype.to_text(question.rdtype)
        entry = self.names.get(name, "NXDOMAIN")
        if entry is None:
            return None
        if isinstance(entry, list) and entry and isinstance(entry[0], list):
            entry = entry[min(self.asked[f"{name} {kind}"], len(entry) - 1)]
        self.asked[f"{name} {kind}"] += 1
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        if isinstance(entry, str):
            reply.set_rcode(dns.rcode.from_text(entry))
            return reply
        version = 4 if kind == "A" else 6
        found = [text for text in entry if ip_address(text).version == version]
        for text in found:  # one by one: a set of several is shuffled on the wire
            reply.answer.append(dns.rrset.from_text(question.name, 60, 1, kind, text))
        return reply
