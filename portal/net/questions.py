"""One question to one name server: a datagram, and TCP where the answer was cut.

Each question has a source port and an id of its own, and what does not answer it, or
comes from elsewhere, is not looked at (RFC 5452 §9). What is handed on are octets.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct

AD, CD = 0x0020, 0x0010  # flags of DNSSEC (RFC 4035 §3.2)
_RD = 0x0100  # recursion desired (RFC 1035 §4.1.1)
_HEAD = struct.Struct("!HHHHHH")
_LENGTH = struct.Struct("!H")
_MOST_OCTETS = 65_535
_IN = b"\0\1"
_EDNS_ROOM = 1232  # octets: no fragments on any path (DNS flag day 2020)
_OPT = b"\0" + struct.pack("!HHIH", 41, _EDNS_ROOM, 0, 0)  # RFC 6891 §6.1.2


async def answer_of(
    server: tuple[str, int], name: bytes, kind: int, flags: int
) -> bytes:
    """`name` and the answer as they are on the wire, without compression in the first.

    Raises OSError where nobody is there, EOFError where a cut answer is not to be had in
    full. For silence there is no limit here.
    """
    question = name + _LENGTH.pack(kind) + _IN
    head = _HEAD.pack(secrets.randbits(16), _RD | flags, 1, 0, 0, 1)
    query = head + question + _OPT
    family, _, _, _, place = socket.getaddrinfo(
        *server, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
    )[0]
    with socket.socket(family, socket.SOCK_DGRAM) as ours:
        ours.setblocking(False)
        ours.connect(place)  # from now on the kernel drops what others send
        ours.send(query)
        answer = await _own_answer(ours, query, question)
    return await _in_full(server, query, question) if _is_cut(answer) else answer


async def _own_answer(ours: socket.socket, query: bytes, question: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    while True:
        answer = await loop.sock_recv(ours, _MOST_OCTETS)
        if _answers(answer, query, question):
            return answer


async def _in_full(server: tuple[str, int], query: bytes, question: bytes) -> bytes:
    try:
        answer = await _over_tcp(server, query)
    except OSError as error:
        raise EOFError("nobody there over TCP") from error
    if not _answers(answer, query, question) or _is_cut(answer):
        raise EOFError("no answer to this question over TCP")
    return answer


async def _over_tcp(server: tuple[str, int], query: bytes) -> bytes:
    """RFC 7766 §8: before each message its length."""
    reader, writer = await asyncio.open_connection(*server)
    try:
        writer.write(_LENGTH.pack(len(query)) + query)
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return await reader.readexactly(length)
    finally:
        writer.transport.abort()


def _answers(answer: bytes, query: bytes, question: bytes) -> bool:
    """Letters may come back large or small (RFC 1035 §2.3.3); who could not read the
    question may leave it out."""
    if len(answer) < _HEAD.size or answer[:2] != query[:2] or not answer[2] & 0x80:
        return False
    questions, answers = _HEAD.unpack_from(answer)[2:4]
    if not questions:
        return bool(answer[3] & 0x0F) and not answers
    told = answer[_HEAD.size : _HEAD.size + len(question)]
    return questions == 1 and told.lower() == question.lower()


def _is_cut(answer: bytes) -> bool:
    return bool(answer[2] & 0x02)
