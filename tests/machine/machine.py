"""The outbox as a machine: anything may happen at any moment, in any order."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from portal.services.outbox.states import State
from tests.machine import relay
from tests.machine.office import Ground
from tests.machine.playing import Playing

F = TypeVar("F", bound=Callable[..., Any])

WHO = st.integers(0, 1)
PICK = st.integers(0, 5)
RARELY = st.sampled_from((False, False, False, True))
REPLIES = st.lists(
    st.sampled_from((relay.YES, *relay.RCPT)), min_size=3, max_size=3
).map(tuple)
# A moment, a pause, a lease, a long pause, an hour, a day, longer than mail lives.
PASSING_S = st.sampled_from((5, 45, 70, 125, 125, 1000, 3700, 90_000, 300_000))
YEARS_S = 10 * 365 * 86_400
JUMPS_S = st.sampled_from((20, 200, 3700, 400_000, YEARS_S, -20, -3700, -YEARS_S))


def step(function: F) -> F:
    """A rule. What fails in one is not followed by a check of the end."""

    @wraps(function)
    def run(self: OutboxMachine, **values: Any) -> None:
        try:
            function(self, **values)
        except BaseException:
            self.is_broken = True
            raise

    return run  # type: ignore[return-value]


class OutboxMachine(RuleBasedStateMachine):
    """The rules; how each is played stands in `playing`."""

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        self.is_broken = False
        self._stack = ExitStack()
        office = self._stack.enter_context(ground.office())
        self.play = Playing(office)
        self._stack.callback(self.play.close)

    def teardown(self) -> None:
        with self._stack:
            if not self.is_broken:
                self.play.come_to_rest()

    @rule(
        to=st.integers(1, 3),
        keyed=st.booleans(),
        later=RARELY,
        urgent=st.booleans(),
    )
    @step
    def accept(self, to: int, keyed: bool, later: bool, urgent: bool) -> None:
        self.play.accept(to, keyed=keyed, later=later, urgent=urgent)

    @precondition(lambda self: self.play.keys)
    @rule(pick=PICK, other=RARELY)
    @step
    def repeat(self, pick: int, other: bool) -> None:
        self.play.repeat(pick, other_body=other)

    @rule(who=WHO, most=st.integers(1, 3), handed=RARELY, forgets=RARELY)
    @step
    def claim(self, who: int, most: int, handed: bool, forgets: bool) -> None:
        self.play.claim(who, most, handed=handed, forgets=forgets)

    @rule(who=WHO, kept=st.booleans(), answered=st.booleans(), pick=PICK)
    @step
    def carry(self, who: int, kept: bool, answered: bool, pick: int) -> None:
        """What is due goes all the way in one step."""
        self.play.carry(who, pick, kept=kept, answered=answered)

    @precondition(lambda self: self.play.errands("claimed"))
    @rule(pick=PICK, replies=REPLIES, unknown=RARELY)
    @step
    def mark(self, pick: int, replies: tuple[Any, ...], unknown: bool) -> None:
        self.play.mark(pick, replies, unknown=unknown)

    @precondition(lambda self: self.play.errands("claimed"))
    @rule(pick=PICK, how=st.sampled_from(list(relay.EARLY)), again=RARELY)
    @step
    def end_early(self, pick: int, how: str, again: bool) -> None:
        self.play.end_early(pick, relay.EARLY[how], again=again)

    @precondition(lambda self: self.play.errands("claimed"))
    @rule(pick=PICK)
    @step
    def release(self, pick: int) -> None:
        self.play.release(pick)

    @precondition(lambda self: self.play.errands())
    @rule(pick=PICK, ours=st.booleans())
    @step
    def break_down(self, pick: int, ours: bool) -> None:
        self.play.break_down(pick, ours=ours)

    @precondition(lambda self: self.play.errands("marked"))
    @rule(pick=PICK, kept=st.booleans())
    @step
    def dot(self, pick: int, kept: bool) -> None:
        self.play.dot(pick, kept=kept)

    @precondition(lambda self: self.play.errands("marked"))
    @rule(pick=PICK, how=st.sampled_from(list(relay.SILENT)), again=RARELY)
    @step
    def no_dot(self, pick: int, how: str, again: bool) -> None:
        self.play.no_dot(pick, relay.SILENT[how], again=again)

    @precondition(lambda self: self.play.errands("dotted"))
    @rule(pick=PICK, word=st.integers(0, 2), lost=RARELY, again=RARELY)
    @step
    def answer(self, pick: int, word: int, lost: bool, again: bool) -> None:
        self.play.answer(pick, word, lost=lost, again=again)

    @rule(who=WHO, leaves_lock=st.booleans(), on_the_wire=st.booleans())
    @step
    def crash(self, who: int, leaves_lock: bool, on_the_wire: bool) -> None:
        self.play.crash(who, leaves_lock=leaves_lock, on_the_wire=on_the_wire)

    @rule(who=WHO)
    @step
    def stop(self, who: int) -> None:
        self.play.stop(who)

    @precondition(lambda self: self.play.wire)
    @rule(pick=PICK, kept=st.booleans())
    @step
    def arrive_late(self, pick: int, kept: bool) -> None:
        self.play.arrive_late(pick, kept=kept)

    @rule(who=WHO)
    @step
    def tick(self, who: int) -> None:
        self.play.tick(who)

    @rule(seconds=PASSING_S, asleep=st.integers(0, 3))
    @step
    def time_goes_on(self, seconds: int, asleep: int) -> None:
        """`asleep`: neither worker, one, the other, both."""
        self.play.time_goes_on(seconds, asleep)

    @rule(asleep=st.integers(0, 3))
    @step
    def until_due(self, asleep: int) -> None:
        self.play.until_due(asleep)

    @rule(seconds=JUMPS_S)
    @step
    def clock_jumps(self, seconds: int) -> None:
        self.play.clock_jumps(seconds)

    @rule(which=st.integers(0, 2))
    @step
    def activate(self, which: int) -> None:
        self.play.activate(which)

    @rule()
    @step
    def disable(self) -> None:
        self.play.disable()

    @precondition(lambda self: self.play.book.seen.mails)
    @rule(pick=PICK)
    @step
    def cancel(self, pick: int) -> None:
        self.play.cancel(pick)

    @precondition(lambda self: self.play.uncertain())
    @rule(pick=PICK, to=st.sampled_from((State.SENT, State.FAILED)), all_=RARELY)
    @step
    def decide(self, pick: int, to: State, all_: bool) -> None:
        self.play.decide(pick, to, all_of_it=all_)

    @precondition(lambda self: self.play.book.seen.mails)
    @rule()
    @step
    def purge(self) -> None:
        self.play.purge()
