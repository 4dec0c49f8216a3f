"""Times, sizes and names as a page writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.web import words

NOW = datetime(2026, 11, 20, 9, 41, 58, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "html"),
    [
        ("smtp.example.org", "smtp.<wbr>example.<wbr>org"),
        ("kim@example.org", "kim<wbr>@example.<wbr>org"),
        ("192.0.2.7", "192.0.2.7"),
        ("<script>.x", "&lt;script&gt;.<wbr>x"),
    ],
)
def test_a_long_name_may_break_after_its_dots_and_stays_escaped(name, html):
    assert str(words.dns(name)) == html


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (timedelta(minutes=2), "09:39:58"),
        (timedelta(days=1), "19 Nov, 09:41"),
        (timedelta(days=400), "16 Oct 2025, 09:41"),
    ],
)
def test_today_is_a_time_and_another_day_has_its_date(before, text):
    assert words.when(NOW - before, NOW) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (1, "1 second ago"),
        (59, "59 seconds ago"),
        (60, "1 minute ago"),
        (7200, "2 hours ago"),
        (172_800, "2 days ago"),
    ],
)
def test_how_long_ago_is_one_whole_unit(seconds, text):
    assert words.ago(NOW - timedelta(seconds=seconds), NOW) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "1 byte"), (812, "812 bytes"), (18_422, "18 KB"), (2_400_000, "2.4 MB")],
)
def test_sizes_are_read_by_people(number, text):
    assert words.size(number) == text


def test_one_is_singular_and_thousands_are_parted():
    assert words.count(1, "mail") == "1 mail"
    assert words.count(1204, "mail") == "1,204 mails"
    assert words.count(2, "entry", "entries") == "2 entries"
