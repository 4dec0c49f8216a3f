"""What is sealed opens with the right key in the right place, and nowhere else."""

from __future__ import annotations

import base64

import pytest

from portal.crypto.seal import BadKey, CannotOpen, KeyRing, name_of, new_ring

OLD = "old:" + base64.b64encode(b"1" * 32).decode()
NEW = "new:" + base64.b64encode(b"2" * 32).decode()


def test_sealed_bytes_open_again():
    ring = KeyRing.parse(new_ring())

    blob = ring.seal(b"hunter2", b"here")

    assert ring.open(blob, b"here") == b"hunter2"
    assert b"hunter2" not in blob


def test_same_plain_bytes_are_sealed_differently():
    ring = KeyRing.parse(OLD)

    assert ring.seal(b"x", b"") != ring.seal(b"x", b"")


def test_blob_in_another_place_does_not_open():
    """A blob that is copied to another tenant must not open."""
    ring = KeyRing.parse(OLD)

    with pytest.raises(CannotOpen):
        ring.open(ring.seal(b"x", b"tenant 1"), b"tenant 2")


def test_no_byte_of_a_blob_can_be_changed():
    ring = KeyRing.parse(OLD)
    blob = ring.seal(b"x", b"")

    for at in range(len(blob)):
        altered = bytearray(blob)
        altered[at] ^= 1
        with pytest.raises(CannotOpen):
            ring.open(bytes(altered), b"")


@pytest.mark.parametrize("length", range(0, 40, 3))
def test_shortened_blob_does_not_open(length):
    ring = KeyRing.parse(OLD)

    with pytest.raises(CannotOpen):
        ring.open(ring.seal(b"hunter2", b"")[:length], b"")


def test_first_key_seals_and_every_key_opens():
    """The way of a rotation: a new key in front, the old one behind."""
    before = KeyRing.parse(OLD).seal(b"x", b"")
    ring = KeyRing.parse(f"{NEW},{OLD}")

    assert ring.open(before, b"") == b"x"
    assert name_of(ring.seal(b"x", b"")) == "new"
    assert ring.names == ("new", "old")


def test_key_that_is_not_on_the_ring_does_not_open():
    blob = KeyRing.parse(OLD).seal(b"x", b"")

    with pytest.raises(CannotOpen, match="not on the ring"):
        KeyRing.parse(NEW).open(blob, b"")


def test_other_key_of_the_same_name_does_not_open():
    blob = KeyRing.parse(OLD).seal(b"x", b"")

    with pytest.raises(CannotOpen):
        KeyRing.parse(NEW.replace("new:", "old:")).open(blob, b"")


def test_sub_keys_differ_by_purpose_and_stay():
    ring = KeyRing.parse(OLD)

    assert ring.derive("a") == KeyRing.parse(OLD).derive("a")
    assert ring.derive("a") != ring.derive("b")
    assert len(ring.derive("a")) == 32


@pytest.mark.parametrize(
    "text",
    [
        "",
        "k1",
        "k1:",
        ":AAAA",
        "k1:not base64!",
        "k1:" + base64.b64encode(b"1" * 31).decode(),
        f"{OLD},{OLD}",
        "k 1:" + base64.b64encode(b"1" * 32).decode(),
    ],
)
def test_text_that_is_no_ring_is_refused_without_repeating_a_key(text):
    with pytest.raises(BadKey) as caught:
        KeyRing.parse(text)

    encoded = text.partition(":")[2]
    assert not encoded or encoded not in str(caught.value)


def test_ring_may_stand_on_several_lines():
    assert KeyRing.parse(f"{NEW}\n{OLD}\n").names == ("new", "old")
