"""One question and a name server that does not play by the rules."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from functools import partial

import dns.flags
import dns.message
import pytest

from portal.net.records import Answered, NameServers
from tests.net.rogue import Rogue, answer

SPF = 'shop.example. TXT "v=spf1 -all"'
HEAD = 12


def asked(rogue, kind="TXT", *, timeout_s=3, rounds=1, **more):
    servers = NameServers(rogue.address, timeout_s=timeout_s, rounds=rounds, **more)
    return asyncio.run(servers.ask("shop.example", kind))


def of_another_id(query):
    return answer(struct.pack("!H", query[0] * 256 + query[1] ^ 1) + query[2:], SPF)


def of_another_name(query):
    other = dns.message.make_query(
        "evil.example", "TXT", id=dns.message.from_wire(query).id
    )
    return answer(other.to_wire(), 'evil.example. TXT "v=spf1 +all"')


NOT_AN_ANSWER = {
    "another id": of_another_id,
    "another name": of_another_name,
    "the question itself": lambda query: query,
    "nothing": lambda query: b"",
    "five octets": lambda query: query[:5],
    "zeroes": lambda query: bytes(12),
    "noise": lambda query: b"\xff" * 40,
    "no question": lambda query: query[:2] + b"\x81\x80" + bytes(8),
}


@pytest.mark.parametrize("made", NOT_AN_ANSWER.values(), ids=NOT_AN_ANSWER)
def test_what_does_not_answer_is_not_looked_at(made):
    with Rogue(lambda query: [made(query), answer(query, SPF)]) as rogue:
        found = asked(rogue)

    assert (found.answered, found.records) == (Answered.OK, ("v=spf1 -all",))


@pytest.mark.parametrize("made", NOT_AN_ANSWER.values(), ids=NOT_AN_ANSWER)
def test_and_alone_it_is_silence(made):
    with Rogue(lambda query: [made(query)]) as rogue:
        found = asked(rogue, timeout_s=0.1)

    assert found.answered is Answered.TIMEOUT


def test_what_comes_from_elsewhere_is_not_looked_at():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
        elsewhere.bind(("127.0.0.1", 0))

        def forge(query):
            forged = answer(query, 'shop.example. TXT "v=spf1 +all"')
            elsewhere.sendto(forged, rogue.callers[-1])
            return [answer(query, SPF)]

        with Rogue(forge) as rogue:
            found = asked(rogue)

    assert found.records == ("v=spf1 -all",)


def pointing_at_itself(query):
    """Its owner's name is a pointer to where it stands (RFC 1035 §4.1.4)."""
    made = answer(query, SPF)
    at = len(query) - 11  # behind the question
    return made[:at] + struct.pack("!H", 0xC000 | at) + made[at + 2 :]


def half(query):
    return answer(query, SPF)[:-20]


def more_than_it_holds(query):
    made = answer(query, SPF)
    return made[:6] + struct.pack("!H", 300) + made[8:]


def six_hundred(query):
    return answer(query, *(f'shop.example. TXT "{n}"' for n in range(600)))


@pytest.mark.parametrize(
    "made", [pointing_at_itself, half, more_than_it_holds, six_hundred]
)
def test_what_cannot_be_read_is_an_answer_that_failed(made):
    with Rogue(lambda query: [made(query)]) as rogue:
        found = asked(rogue, timeout_s=5)

    assert (found.answered, found.records) == (Answered.SERVFAIL, ())


def test_many_records_are_all_read():
    many = [f'shop.example. TXT "token={n}"' for n in range(400)]

    with Rogue(lambda query: [answer(query, *many, SPF)]) as rogue:
        found = asked(rogue, timeout_s=5)

    assert len(found.records) == 401
    assert "v=spf1 -all" in found.records


@pytest.mark.parametrize("rcode", [*range(11), 16, 20, 23])
def test_any_code_is_an_answer(rcode):
    with Rogue(lambda query: [answer(query, rcode=rcode)]) as rogue:
        found = asked(rogue)

    known = {0: Answered.NODATA, 3: Answered.NXDOMAIN, 5: Answered.REFUSED}
    assert found.answered is known.get(rcode, Answered.SERVFAIL)


def in_full(query):
    made = answer(query, SPF)
    return struct.pack("!H", len(made)) + made


@pytest.mark.parametrize(
    ("stream", "keeps_open", "answered"),
    [
        (in_full, False, Answered.OK),
        (in_full, True, Answered.OK),
        (None, False, Answered.SERVFAIL),
        (lambda query: b"", True, Answered.TIMEOUT),
        (lambda query: b"", False, Answered.SERVFAIL),
        (lambda query: in_full(query)[:20], False, Answered.SERVFAIL),
        (lambda query: in_full(query)[:20], True, Answered.TIMEOUT),
        (lambda query: b"\0\0", True, Answered.SERVFAIL),
        (lambda query: b"\0\x28" + of_another_id(query), True, Answered.SERVFAIL),
        (lambda query: b"\xff\xff" + bytes(65535), False, Answered.SERVFAIL),
    ],
    ids=range(10),
)
def test_a_cut_answer_is_asked_for_over_tcp(stream, keeps_open, answered):
    cut = lambda query: [answer(query, cut=True)]  # noqa: E731

    patience_s = 0.3 if answered is Answered.TIMEOUT else 5
    with Rogue(cut, stream, keeps_open=keeps_open) as rogue:
        found = asked(rogue, timeout_s=patience_s)

    assert found.answered is answered


def test_aliases_of_hostile_spelling_are_names_like_others():
    odd = "shop.example. CNAME a\\032b.foo\\.."

    with Rogue(lambda query: [answer(query, odd)]) as rogue:
        found = asked(rogue)

    assert found.answered is not Answered.OK
    assert found.aliases == ("a\\032b.foo\\",)


@pytest.mark.parametrize(
    ("length", "answered"),
    [(9, Answered.OK), (10, Answered.OK), (11, Answered.SERVFAIL)],
)
def test_aliases_are_followed_so_far(length, answered):
    chain = [f"a{n}.example. CNAME a{n + 1}.example." for n in range(1, length)]
    records = ["shop.example. CNAME a1.example.", *chain, f'a{length}.example. TXT "x"']

    with Rogue(lambda query: [answer(query, *records)]) as rogue:
        found = asked(rogue)

    assert found.answered is answered


def one_by_one(query):
    """Each answer tells of one alias, and the fifth of what is at the end."""
    name = dns.message.from_wire(query).question[0].name.to_text()
    number = int(name[1:].partition(".")[0]) + 1 if name[0] == "a" else 1
    if number == 5:
        return [answer(query, f'{name} TXT "there"')]
    return [answer(query, f"{name} CNAME a{number}.example.")]


@pytest.mark.parametrize(("most", "answered"), [(4, "ok"), (3, "timeout")])
def test_aliases_asked_about_one_by_one_are_questions_too(most, answered):
    allowed = iter([True] * most + [False])

    with Rogue(lambda query: one_by_one(query)) as rogue:
        servers = NameServers(rogue.address)
        more = partial(next, allowed)
        found = asyncio.run(servers.ask("shop.example", "TXT", more))

    assert found.answered == answered
    assert len(rogue.heard) == most + 1


def test_long_names_by_pointer_take_no_time():
    """Eight kilobytes that would be 500 names of 127 labels (RFC 1035 §4.1.4)."""

    def made(query):
        question = query[HEAD:-11]
        at = HEAD + len(question)
        pointer = struct.pack("!H", 0xC000 | at)
        alias = b"\1a" * 126 + b"\0" + struct.pack("!HHIH", 5, 1, 300, 2) + pointer
        mail = pointer + struct.pack("!HHIHH", 15, 1, 300, 4, 10) + pointer
        head = query[:2] + struct.pack("!HHHHH", 0x8180, 1, 499, 0, 0)
        return head + question + alias + mail * 498

    with Rogue(lambda query: [made(query)]) as rogue:
        began = time.process_time()
        found = asked(rogue, "MX", timeout_s=10)

    assert time.process_time() - began < 1
    assert found.answered is Answered.NODATA
