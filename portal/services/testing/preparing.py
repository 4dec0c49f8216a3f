"""What a live test is made of, from its row: the relay, the mail, the secrets."""

from __future__ import annotations

from dataclasses import dataclass, field

from portal.address import Named, parse_mailbox
from portal.delivery.oauth import FreshTokens
from portal.delivery.tokens import Tokens
from portal.delivery.types import Relay
from portal.diagnosis.types import ProviderHints
from portal.mail.compose import compose
from portal.mail.live_test import test_message
from portal.mail.render import render
from portal.mail.types import Envelope
from portal.net.types import Net
from portal.services import knowledge
from portal.services.installation import Installation
from portal.services.senders.fields import SenderFields, stored_fields
from portal.services.senders.forgetting import grants_of
from portal.services.senders.keeping import main_secret
from portal.services.senders.making import (
    identity_of,
    net_of,
    oauth_of,
    relay_of,
    tokens_of,
)
from portal.services.senders.token_rows import place_of
from portal.services.senders.typed import Typed, open_typed
from portal.services.testing.rotating import TypedTokens
from portal.store.fields import now
from portal.store.models import LiveTest

MAIL, PREFLIGHT = "mail", "preflight"
MOST_ASKED = 10  # addresses of one preflight


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One conversation to have. `content` and `relay` hold what nobody may read.
    With `asking` nothing is sent: these envelopes are asked for and taken back."""

    id: int
    to: str
    provider: str
    from_address: str
    captured: bool
    hints: ProviderHints | None
    net: Net
    tokens: Tokens | None = None
    relay: Relay = field(repr=False)
    envelope: Envelope
    content: bytes = field(repr=False)
    asking: tuple[Envelope, ...] = ()


def prepare(installation: Installation, test: LiveTest) -> Job:
    """Raises Fault for a test that cannot even begin."""
    typed = open_typed(installation.vault, test)
    fields = stored_fields(test.settings, secrets=typed.secrets)
    envelope, content, message_id = _mail(fields, test)
    LiveTest.update(message_id=message_id).where(LiveTest.id == test.id).execute()
    return Job(
        id=test.id,
        to=test.to_address,
        provider=fields.provider,
        from_address=fields.from_address,
        captured=fields.is_sandbox,
        hints=knowledge.hints(installation.catalogue, fields.provider),
        net=net_of(installation, fields),
        tokens=_tokens(installation, test, fields, typed),
        relay=relay_of(installation, fields),
        envelope=envelope,
        content=content,
        asking=_envelopes(fields, test) if test.kind == PREFLIGHT else (),
    )


def _tokens(
    installation: Installation, test: LiveTest, fields: SenderFields, typed: Typed
) -> Tokens | None:
    """A grant that is stored has its kept token, which a test must not make void;
    one that was just typed is asked for, and followed where it leads."""
    kept = tokens_of(installation, fields, tenant_id=test.tenant_id, asks_again=True)
    oauth = oauth_of(fields)
    if kept is None or oauth is None:
        return None
    vault = installation.vault
    place = place_of(vault, test.tenant_id, oauth)
    is_typed = main_secret(fields) in typed.typed
    if not is_typed or place.fingerprint in grants_of(vault, test.tenant_id):
        return kept
    fresh = FreshTokens(net=kept.net, ca_pem=kept.ca_pem)
    return TypedTokens(vault=vault, test_id=test.id, fresh=fresh)


def _mail(fields: SenderFields, test: LiveTest) -> tuple[Envelope, bytes, str]:
    identity = identity_of(fields)
    to = parse_mailbox(test.to_address)
    content = compose(
        test_message(Named(to), now=now()),
        domain=identity.from_.mailbox.domain,
        tenant_code="test",
        now=now(),
    )
    envelope, mail = render(content, identity, (str(to),))
    return envelope, mail, content.message_id


def _envelopes(fields: SenderFields, test: LiveTest) -> tuple[Envelope, ...]:
    """One for each address that mail may be from; one for all where the reverse-path
    is an address of its own."""
    identity = identity_of(fields)
    senders = [str(identity.from_.mailbox)]
    if identity.reverse_path is not None:
        senders = [str(identity.reverse_path)]
    else:
        senders += [each for each in fields.allowed_from if each.rpartition("@")[0]]
    return tuple(
        Envelope(reverse_path=each, recipients=(test.to_address,))
        for each in dict.fromkeys(senders[:MOST_ASKED])
    )
