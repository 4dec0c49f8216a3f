"""The questions of a report: none twice, none too many, none too long."""

from __future__ import annotations

import asyncio
import time

from portal.deliverability.asking import Asking
from portal.net.records import Answered, NameServers
from tests.net.zones import Zones

ZONE = {"shop.example": '@ TXT "one"\n@ MX 10 mx\nmute ! SILENT\n'}


def asked(zones, *questions, **limits):
    async def run():
        async with Asking(NameServers(zones.address, timeout_s=5), **limits) as asking:
            return await asyncio.gather(*(asking.ask(*each) for each in questions))

    return asyncio.run(run())


def test_each_question_is_asked_once():
    with Zones(ZONE, delay_s=0.02) as zones:
        answers = asked(
            zones,
            ("shop.example", "TXT"),
            ("Shop.Example.", "TXT"),
            ("shop.example", "MX"),
        )

        assert [each.records for each in answers] == [("one",)] * 2 + [
            ("10 mx.shop.example",)
        ]
        assert zones.asked == {"shop.example TXT": 1, "shop.example MX": 1}


def test_beyond_the_limit_nothing_is_asked():
    with Zones(ZONE) as zones:
        names = [(f"n{number}.shop.example", "A") for number in range(5)]
        answers = asked(zones, *names, most=3)

        assert [each.answered for each in answers] == (
            [Answered.NXDOMAIN] * 3 + [Answered.TIMEOUT] * 2
        )
        assert zones.asked.total() == 3


def test_a_name_that_hangs_holds_up_nobody():
    with Zones(ZONE) as zones:
        began = time.monotonic()
        hanging, there = asked(
            zones, ("mute.shop.example", "TXT"), ("shop.example", "TXT"), patience_s=0.3
        )

        assert hanging.answered is Answered.TIMEOUT
        assert there.answered is Answered.OK
        assert time.monotonic() - began < 8  # not the 10 s of two rounds


def test_a_report_that_is_given_up_leaves_no_question_open():
    async def run(zones):
        async with Asking(NameServers(zones.address, timeout_s=5)) as asking:
            question = asyncio.create_task(asking.ask("mute.shop.example", "TXT"))
            await asyncio.sleep(0)
            question.cancel()
        return asyncio.all_tasks() - {asyncio.current_task()}

    with Zones(ZONE) as zones:
        assert asyncio.run(run(zones)) == set()
