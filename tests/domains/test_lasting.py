"""How long a server let a mail wait, in words."""

from __future__ import annotations

import pytest

from portal.services.domains.lasting import lasting


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (907, "15 min 7 s"),
        (3601, "1 h"),
        (12_000, "3 h 20 min"),
        (86_400, "1 d"),
        (31_536_000 + 7200, "365 d 2 h"),
    ],
)
def test_a_time_is_told_in_its_two_largest_units(seconds, words):
    assert lasting(seconds) == words
