"""The master key: made once, never replaced, refused when others may read it."""

from __future__ import annotations

import dataclasses
import stat
import threading

import pytest

from portal.config import Settings
from portal.crypto.keyfile import FILE, load_ring
from portal.crypto.seal import KeyRing, new_ring
from portal.errors import CannotStart
from portal.secret import Secret


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(instance=tmp_path)


def test_first_start_makes_a_private_key(settings):
    ring = load_ring(settings, may_make=True)

    file = settings.instance / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert KeyRing.parse(file.read_text()).names == ring.names
    assert [path.name for path in settings.instance.iterdir()] == [FILE]


def test_key_stays_when_it_is_there(settings):
    load_ring(settings, may_make=True)
    before = (settings.instance / FILE).read_bytes()

    load_ring(settings, may_make=True)

    assert (settings.instance / FILE).read_bytes() == before


def test_starts_at_once_have_one_key(settings):
    """Two processes on a fresh folder must not seal with different keys."""
    gate, rings = threading.Barrier(8), []

    def start() -> None:
        gate.wait()
        rings.append(load_ring(settings, may_make=True).names)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(rings) == 8
    assert len(set(rings)) == 1


def test_lost_key_is_not_replaced(settings):
    assert load_ring(settings, may_make=False) is None
    assert not (settings.instance / FILE).exists()


@pytest.mark.parametrize("content", [b"", b"k1:AAAA", b"\xff\xff"])
def test_broken_key_file_is_none_once_something_is_sealed(settings, content):
    file = settings.instance / FILE
    file.write_bytes(content)
    file.chmod(0o600)

    assert load_ring(settings, may_make=False) is None
    with pytest.raises(CannotStart, match="The key file"):
        load_ring(settings, may_make=True)
    assert file.read_bytes() == content


def test_key_file_that_others_may_read_is_refused(settings):
    load_ring(settings, may_make=True)
    (settings.instance / FILE).chmod(0o644)

    with pytest.raises(CannotStart, match="chmod 600"):
        load_ring(settings, may_make=False)


def test_key_file_that_cannot_be_read_is_one_sentence(settings):
    (settings.instance / FILE).mkdir(mode=0o700)

    with pytest.raises(CannotStart, match="cannot be read: Is a directory"):
        load_ring(settings, may_make=True)


def test_key_from_the_environment_leaves_no_file(settings):
    given = dataclasses.replace(settings, master_key=Secret(new_ring()))

    assert load_ring(given, may_make=True) is not None
    assert not (settings.instance / FILE).exists()


def test_bad_key_in_the_environment_names_its_variable(settings):
    given = dataclasses.replace(settings, master_key=Secret("k1:AAAA"))

    with pytest.raises(CannotStart, match=r"^PORTAL_MASTER_KEY has a key “k1” of 3"):
        load_ring(given, may_make=False)
