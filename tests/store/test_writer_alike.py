"""Works of one kind are one call, and a refused one still fails alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from portal.store.alike import Alike
from portal.store.writer import Writer
from tests.store.writing import WAIT_S, Held, add, slugs

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.fixture
def writer(database):
    made = Writer(database, patience_s=0.3)
    yield made
    made.close()


class Adding:
    """Adds tenants; those named `bad` it refuses, after it has written the others."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, names: Sequence[str]) -> list[str]:
        self.calls.append(list(names))
        for name in names:
            add(name)
        if "bad" in names:
            raise ZeroDivisionError
        return [f"{name} added" for name in names]


def test_those_that_wait_are_one_call_and_each_has_its_own_value(writer):
    adding, hold = Adding(), Held(writer)

    jobs = [writer.submit(Alike(adding, name)) for name in ("one", "two", "three")]
    hold.release()

    assert [job.result(WAIT_S) for job in jobs] == [
        "one added",
        "two added",
        "three added",
    ]
    assert adding.calls == [["one", "two", "three"]]
    assert slugs() == {"one", "two", "three"}


def test_a_refused_one_fails_alone(writer):
    adding, hold = Adding(), Held(writer)

    jobs = [writer.submit(Alike(adding, name)) for name in ("one", "bad", "two")]
    hold.release()

    assert jobs[0].result(WAIT_S) == "one added"
    assert isinstance(jobs[1].exception(WAIT_S), ZeroDivisionError)
    assert jobs[2].result(WAIT_S) == "two added"
    assert adding.calls == [["one", "bad", "two"], ["one"], ["bad"], ["two"]]
    assert slugs() == {"one", "two"}


def test_other_works_of_the_group_stay(writer):
    adding, other, hold = Adding(), Adding(), Held(writer)

    jobs = [
        writer.submit(Alike(adding, "one")),
        writer.submit(lambda: add("plain")),
        writer.submit(Alike(other, "bad")),
        writer.submit(Alike(adding, "two")),
    ]
    hold.release()

    assert jobs[3].result(WAIT_S) == "two added"
    assert isinstance(jobs[2].exception(WAIT_S), ZeroDivisionError)
    assert adding.calls == [["one", "two"]]
    assert slugs() == {"one", "plain", "two"}


def test_withdrawn_ones_are_left_out(writer):
    adding, hold = Adding(), Held(writer)
    jobs = [writer.submit(Alike(adding, name)) for name in ("one", "two")]

    assert jobs[0].cancel()
    hold.release()

    assert jobs[1].result(WAIT_S) == "two added"
    assert adding.calls == [["two"]]
