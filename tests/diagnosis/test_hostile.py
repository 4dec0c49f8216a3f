"""No text makes the reader slow, and none comes out as anything but words."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from portal.diagnosis.explain import explain
from portal.diagnosis.pasted import read
from portal.diagnosis.types import Evidence

SCRAPS = (
    "<** 550 no\n -> DATA\n",
    "a",
    " ",
    "\n",
    "\0",
    "ä",
    "…",
    "授权码",
    "aB",
    "1.",
    "::",
    "<",
    "(",
    "'",
    "user@",
    "550 ",
    "<<< 550 ",
    "recipient not found ",
    "x509 certificate is valid for a, ",
    "hostname ",
    "too many ",
    "host mx.example.org[192.0.2.1] said: ",
    "Caused by: ",
    "Error: ",
    "{'a@b': (550, b'",
    "to=<a@b.example>, status=bounced (",
    "** a@b.example R=",
    "rejected RCPT ",
    "Final-Recipient: \n\n",
    "Content-Type: multipart/report; boundary=b\n\n--b\n",
)
AT_MOST_S = 0.25  # of processor time; a slow machine and a profiler fit in


def taken_s(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


@pytest.fixture(autouse=True, scope="module")
def _warm():
    explain(Evidence(text="warm"))


@pytest.mark.parametrize("scrap", SCRAPS)
def test_a_megabyte_of_anything_is_answered_at_once(scrap):
    text = scrap * (1_000_000 // len(scrap))

    assert taken_s(lambda: explain(Evidence(text=text))) < AT_MOST_S
    assert taken_s(lambda: explain(Evidence(text=text, stage="tls"))) < AT_MOST_S
    assert taken_s(lambda: read(text)) < AT_MOST_S


def test_a_text_twice_as_long_takes_no_more_than_that():
    """Beyond its first lines nothing is read, however long it is."""
    short, long = ("user unknown " * (n // 13) for n in (4_000, 4_000_000))

    once = max(taken_s(lambda: explain(Evidence(text=short))), 0.005)

    assert taken_s(lambda: explain(Evidence(text=long))) < 10 * once


@pytest.mark.parametrize(
    "text", [bytes(range(256)).decode("latin-1"), "\ud800", "\x1b[31m", "{host}{words}"]
)
def test_binary_junk_is_no_cause(text):
    found = explain(Evidence(text=text, stage="post_data", code=550))

    assert found.cause == "rejected_unspecified"
    assert text not in f"{found.title}{found.meaning}{found.remedy}"
