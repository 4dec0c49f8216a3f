"""What other threads finish, on the loop: its values, its errors, its end."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from portal.engine.landing import landed


def test_each_waiter_gets_its_own_value():
    """Two hundred that end in a thread, one after the other, in whatever order."""

    async def wait_for_all() -> list[int]:
        futures: list[Future[int]] = [Future() for _ in range(200)]
        waiting = [asyncio.create_task(landed(each)) for each in futures]
        await asyncio.sleep(0)
        with ThreadPoolExecutor(1) as thread:
            for number in reversed(range(200)):
                thread.submit(futures[number].set_result, number)
        return await asyncio.gather(*waiting)

    assert asyncio.run(wait_for_all()) == list(range(200))


def test_all_that_comes_before_the_loop_looks_wakes_it_once():
    async def calls() -> int:
        loop, made = asyncio.get_running_loop(), 0
        futures: list[Future[None]] = [Future() for _ in range(50)]
        waiting = [asyncio.create_task(landed(each)) for each in futures]
        await asyncio.sleep(0)
        wake = loop.call_soon_threadsafe

        def counted(*given: object, **more: object) -> asyncio.Handle:
            nonlocal made
            made += 1
            return wake(*given, **more)

        loop.call_soon_threadsafe = counted
        for each in futures:  # the loop does not run in between
            each.set_result(None)
        await asyncio.gather(*waiting)
        return made

    assert asyncio.run(calls()) == 1


def test_an_error_of_the_work_is_raised_where_it_is_awaited():
    async def wait() -> None:
        future: Future[None] = Future()
        future.set_exception(LookupError("gone"))
        await landed(future)

    with pytest.raises(LookupError, match="gone"):
        asyncio.run(wait())


def test_whoever_is_cancelled_cancels_what_has_not_begun():
    async def give_up() -> Future[None]:
        future: Future[None] = Future()
        waiting = asyncio.create_task(landed(future))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return future

    assert asyncio.run(give_up()).cancelled()


def test_a_cancelled_work_cancels_its_waiter():
    async def wait() -> bool:
        future: Future[None] = Future()
        waiting = asyncio.create_task(landed(future))
        await asyncio.sleep(0)
        future.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return waiting.cancelled()

    assert asyncio.run(wait())
