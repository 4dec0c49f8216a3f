"""A conversation through the address guard."""

from __future__ import annotations

import asyncio

from portal.delivery.conversation import connect, converse
from portal.delivery.types import Failed, FailureKind, Stage, StepStatus
from portal.net.guard import SENTENCE, GuardedNet, Policy
from portal.net.lookup import Resolver
from tests.delivery.asking import CONTENT, envelope_to, relay_at
from tests.net.nameserver import NameServer


def test_forbidden_relay_stands_at_dns(play):
    """One sentence, the remedy for the owner, and no connection."""
    relay = play("accepts.txt")
    net = GuardedNet(Policy(forbidden_s=0))

    outcome = asyncio.run(
        converse(relay_at(relay), net, envelope_to(), CONTENT, lambda step: None)
    )

    assert outcome.failure.stage is Stage.DNS
    assert outcome.failure.kind is FailureKind.FORBIDDEN
    assert outcome.failure.words == SENTENCE
    assert outcome.failure.remedy == f"PORTAL_RELAY_ALLOW=127.0.0.1:{relay.port}"
    assert relay.connections == 0
    assert outcome.transcript == ()


def test_connect_gives_a_value_when_it_fails(play):
    relay = play("greets_with_554.txt")
    net = GuardedNet(Policy(forbidden_s=0))

    failed = asyncio.run(connect(relay_at(relay), net, lambda step: None))

    assert isinstance(failed, Failed)
    assert failed.steps[0].status is StepStatus.FAILED
    assert {step.status for step in failed.steps[1:]} == {StepStatus.SKIPPED}


class Nowhere:
    host, port = "nowhere.test", 587


def test_host_without_an_address_fails_at_dns():
    """At a port that is permitted; at another one nothing is told."""
    with NameServer({}) as server:
        net = GuardedNet(Policy(resolver=Resolver(server.address)))
        outcome = asyncio.run(
            converse(
                relay_at(Nowhere),
                net,
                envelope_to(),
                CONTENT,
                lambda step: None,
            )
        )

    assert outcome.failure.stage is Stage.DNS
    assert outcome.failure.kind is FailureKind.NET
    assert outcome.failure.exception == "socket.gaierror"
