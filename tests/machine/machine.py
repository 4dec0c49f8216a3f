"""The outbox as a machine: anything may happen at any moment, in any order."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from portal.delivery.types import Reply
from portal.services.outbox.states import State
from tests.machine import relay
from tests.machine.office import Ground
from tests.machine.playing import Playing

F = TypeVar("F", bound=Callable[..., Any])

WHO = st.integers(0, 1)
PICK = st.integers(0, 5)
RARELY = st.sampled_from((False, False, False, True))
REPLIES = st.lists(
    st.sampled_from((relay.YES, relay.YES, *relay.RCPT)), min_size=3, max_size=3
).map(tuple)
# Until something is due; a moment, a lease, an hour, longer than mail lives.
PASSING_S = st.sampled_from((*[None] * 5, 5, 5, 125, 125, 3700, 3700, 300_000))
UNTIL = st.sampled_from(("mark", "dot", "no answer", "answer"))
YEARS_S = 10 * 365 * 86_400
JUMPS_S = st.sampled_from((200, 3700, 400_000, YEARS_S, 20, -20, -3700, -YEARS_S))
DISTURBING = (
    "worker",
    "late",
    "decide",
    "move",
    "cancel",
    "move",
    "worker",
    "jump",
    "purge",
    "jump",
)
MOST_MOVING = 3  # mails; what has ended teaches nothing more


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


class AllRules:
    """Hypothesis would leave out half of the rules in each example, and a history
    that loses mail needs five or six of them together."""

    def is_enabled(self, name: str) -> bool:
        return bool(name)


class OutboxMachine(RuleBasedStateMachine):
    """The rules; how each is played stands in `playing`."""

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        self._rules_strategy.enabled_rules_strategy = st.just(AllRules())
        self.is_broken = False
        self._stack = ExitStack()
        office = self._stack.enter_context(ground.office())
        self.play = Playing(office)
        self._stack.callback(self.play.close)

    def teardown(self) -> None:
        with self._stack:
            if not self.is_broken:
                self.play.come_to_rest()

    @initialize(to=st.integers(1, 3))
    @step
    def begin(self, to: int) -> None:
        self.play.accept(to, keyed=True, later=False, urgent=False)

    @precondition(lambda self: self.play.mails_moving < MOST_MOVING)
    @rule(to=st.integers(1, 3), keyed=st.booleans(), later=RARELY, again=RARELY)
    @step
    def accept(self, to: int, keyed: bool, later: bool, again: bool) -> None:
        """`again`: before that an older request comes a second time."""
        if again:
            self.play.repeat(to, other_body=later)
        self.play.accept(to, keyed=keyed, later=later, urgent=again)

    @precondition(lambda self: self.play.is_due)
    @rule(who=WHO, most=st.integers(1, 3), handed=RARELY, forgets=RARELY)
    @step
    def claim(self, who: int, most: int, handed: bool, forgets: bool) -> None:
        """`handed`: the bell names mails, also such as are due no more. `forgets`:
        COMMIT is unknown."""
        self.play.claim(who, most, handed=handed, forgets=forgets)

    @precondition(lambda self: self.play.is_due)
    @rule(who=WHO, replies=REPLIES, until=UNTIL, kept=st.booleans(), word=PICK)
    @step
    def carry(
        self, who: int, replies: tuple[Reply, ...], until: str, kept: bool, word: int
    ) -> None:
        """What is due goes a part of the way in one step, or all of it."""
        self.play.carry(who, replies, until, kept=kept, word=word)

    @precondition(lambda self: self.play.errands())
    @rule(pick=PICK, kept=st.booleans(), word=PICK, again=RARELY)
    @step
    def go_on(self, pick: int, kept: bool, word: int, again: bool) -> None:
        """One step of one conversation, as it should be; `again`: the COMMIT of its
        result is unknown, so it is written twice."""
        self.play.go_on(pick, kept=kept, word=word, again=again)

    @precondition(lambda self: self.play.errands())
    @rule(pick=PICK, word=st.integers(0, 15), replies=REPLIES, unknown=st.booleans())
    @step
    def go_wrong(
        self, pick: int, word: int, replies: tuple[Reply, ...], unknown: bool
    ) -> None:
        """One step of one conversation, as it should not be."""
        self.play.go_wrong(pick, word, replies, unknown=unknown)

    @precondition(lambda self: self.play.errands() or not self.play.is_due)
    @rule(seconds=PASSING_S, asleep=st.integers(0, 3))
    @step
    def time_goes_on(self, seconds: int | None, asleep: int) -> None:
        """`asleep`: neither worker, one, the other, both."""
        if seconds is None:
            self.play.until_due(asleep)
        else:
            self.play.time_goes_on(seconds, asleep)

    @precondition(lambda self: self.play.awake())
    @rule(pick=PICK, others=st.booleans())
    @step
    def fall_asleep(self, pick: int, others: bool) -> None:
        """A worker stands still for longer than its lease; the other goes on."""
        self.play.fall_asleep(pick, others_tick=others)

    @precondition(lambda self: self.play.errands() or self.play.touched())
    @rule(what=st.sampled_from(DISTURBING), pick=PICK, jump_s=JUMPS_S)
    @step
    def disturb(self, what: str, pick: int, jump_s: int) -> None:
        """Where there is nothing to disturb in this way, in the next one."""
        here = DISTURBING.index(what)
        for name in (*DISTURBING[here:], *DISTURBING):
            if self._disturbs(name, pick, jump_s):
                return

    def _disturbs(self, what: str, pick: int, jump_s: int) -> bool:
        play = self.play
        if what == "worker" and play.errands():
            play.end_worker(pick)
        elif what == "decide" and play.uncertain():
            to = (State.SENT, State.FAILED)[pick % 2]
            play.decide(pick, to, all_of_it=pick > 3)
        elif what == "late" and play.wire:
            play.arrive_late(pick, kept=pick < 4)
        elif what == "purge" and play.some_settled:
            play.purge()
        elif what == "cancel" and play.touched():
            play.cancel(pick)
        elif what == "jump":
            play.clock_jumps(jump_s, pick % 2)
        elif what == "move":
            play.move(pick)
        else:
            return False
        return True
