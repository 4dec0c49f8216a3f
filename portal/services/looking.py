"""What mail hosts of others show of themselves, for a report on a domain."""

from __future__ import annotations

from portal.net.types import Net

MAIL_PORT = 25  # where mail hosts take mail from each other (RFC 5321 §4.5.4.2)
_NOBODY = "localhost.localdomain"  # nothing is sent, so there is nobody to name


async def shown_at(net: Net, host: str, *, port: int = MAIL_PORT) -> tuple[str, ...]:
    """Its certificates in PEM after STARTTLS, its own first; none where it shows none.
    Neither a credential nor a mail is sent."""
    # Here, as few domains are looked at and `portal dns` needs no SMTP for others.
    from portal.delivery import chain
    from portal.delivery.types import Auth, Relay, Security

    relay = Relay(
        host=host,
        port=port,
        security=Security.STARTTLS,
        auth=Auth.NONE,
        ehlo_name=_NOBODY,
    )
    return tuple(each.pem for each in await chain.look(relay, net))
