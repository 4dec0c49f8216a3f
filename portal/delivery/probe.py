"""A look at a relay without credentials: what answers, how, and what it offers.

The ladder of a live test, left before anybody signs in. Nothing is sent; with an
envelope the relay is asked for MAIL and RCPT too, which RSET takes back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from portal.delivery import signin
from portal.delivery.chain import is_worth_a_look
from portal.delivery.conversation import converse
from portal.delivery.extensions import Extensions
from portal.delivery.trouble import Trouble
from portal.delivery.types import (
    Auth,
    Facts,
    Failure,
    Limits,
    Outcome,
    Relay,
    Stage,
    Status,
    Step,
)
from portal.mail.types import Envelope
from portal.net.types import Net

PROBE = Limits.every(4, 5)
_LAST = Stage.STARTTLS  # what follows needs credentials, or speaks of mail
_NOBODY = Envelope(reverse_path=None, recipients=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What one door of a relay showed. `relay` is the one that was asked: it holds no
    credential."""

    relay: Relay
    outcome: Outcome

    @property
    def answers(self) -> bool:
        """It took EHLO under the security asked, with a certificate that we trust;
        and, where an envelope was shown, its addresses."""
        return self.outcome.status is Status.STOPPED

    @property
    def failure(self) -> Failure | None:
        return self.outcome.failure

    @property
    def facts(self) -> Facts:
        return self.outcome.facts

    @property
    def offers(self) -> Extensions:
        """As of the last EHLO: that of before TLS, where TLS did not come about."""
        return Extensions(self.outcome.facts.ehlo)

    @property
    def ms(self) -> int:
        return sum(step.ms for step in self.outcome.steps)


async def probe(
    relay: Relay,
    net: Net,
    *,
    limits: Limits = PROBE,
    envelope: Envelope | None = None,
    look: bool = False,
) -> Probe:
    """One connection, and with `look` a second one where the certificate was the
    trouble. Neither sends what would sign in, whatever the relay holds."""
    bare = bared(relay)
    outcome = await converse(
        bare,
        net,
        envelope or _NOBODY,
        b"",
        _ignore,
        limits=limits,
        stop_after=Stage.RCPT_TO if envelope else _LAST,
        look=look,
    )
    return Probe(relay=bare, outcome=outcome)


async def behind(found: Probe, net: Net, *, limits: Limits = PROBE) -> Probe | None:
    """The same door, with the certificate that it showed taken for its authority:
    whether a relay is behind it, and what it offers. None where that is no relay, or
    the certificate is wrong in more than who issued it.

    Trust is nobody's but a person's to give: nothing is said over it but EHLO.
    """
    failure, shown = found.failure, found.facts.presented
    if failure is None or not shown or not is_worth_a_look(failure):
        return None
    relay = replace(found.relay, ca_pem=shown[-1].pem)
    again = await probe(relay, net, limits=limits)
    return again if again.answers else None


def bared(relay: Relay) -> Relay:
    """The relay without anything that signs in."""
    return replace(
        relay,
        auth=Auth.NONE,
        mechanism=None,
        username=None,
        password=None,
        oauth=None,
        access_token=None,
        client_cert=None,
        client_key=None,
    )


def would_let_in(found: Probe, relay: Relay) -> bool:
    """Whether it offers a way to sign in that these settings can use. Nothing is
    sent; whether the credentials are right, nobody knows."""
    if relay.auth is Auth.NONE:
        return True
    over_tls = found.facts.tls is not None
    try:
        signin.choose(relay, found.offers, over_tls=over_tls)
    except Trouble:
        return False
    return True


def _ignore(step: Step) -> None:
    """Nobody watches a probe."""
