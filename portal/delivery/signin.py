"""Signing in: exactly one mechanism, chosen before the first byte of a secret.

Trying one after the other, as libraries do, is three failed log-ons per attempt
and locks mailboxes.
"""

from __future__ import annotations

import base64
import re

from portal.delivery import preparing, sasl
from portal.delivery.bearer import first_words
from portal.delivery.extensions import Extensions
from portal.delivery.sasl import Credentials
from portal.delivery.talk import Talk
from portal.delivery.trouble import Trouble
from portal.delivery.types import Auth, FailureKind, Relay, Reply
from portal.secret import Secret

# The first that is offered; CRAM-MD5 thus where there is no other.
_OURS = {
    Auth.PASSWORD: sasl.PASSWORDS,
    Auth.API_KEY: sasl.PASSWORDS,
    Auth.OAUTH2: sasl.TOKENS,
    Auth.CLIENT_CERT: sasl.CERTIFICATES,
}
_NAMES = {Auth.OAUTH2: "access token", Auth.CLIENT_CERT: "certificate"}
_PIECE = 24


def choose(relay: Relay, offered: Extensions, *, over_tls: bool) -> str | None:
    """The one mechanism, or Trouble before anything is sent.

    None: the relay knows its client by the certificate alone and asks no more.
    """
    _demand_encryption(relay, over_tls=over_tls)
    _refuse_unfit(relay)
    if relay.mechanism is not None:
        return _forced(relay.mechanism.upper(), relay, offered)
    for mechanism in _in_order(relay, over_tls=over_tls):
        if mechanism in offered.mechanisms and _is_fit(mechanism, relay):
            return mechanism
    if relay.auth is Auth.CLIENT_CERT:
        return None
    if not offered.mechanisms:
        raise Trouble.ours("The relay offers no way to sign in (AUTH).")
    listed = ", ".join(offered.mechanisms)
    raise Trouble.ours(f"The relay offers {listed}; we can use none of these.")


async def sign_in(
    relay: Relay, mechanism: str, talk: Talk, token: Secret | None = None
) -> Reply:
    """The reply that let us in. Trouble with the reply that did not."""
    who = _credentials(relay, token)
    forms = _forms(mechanism, who)
    talk.transcript.secrets = (*forms, *_pieces(forms))
    reply = await sasl.speak(talk, mechanism, who)
    if reply.positive and reply.code < 300:
        talk.transcript.secrets = forms
        return reply
    if reply.positive:
        raise Trouble(
            FailureKind.PROTOCOL,
            f"The relay asked for more than {mechanism} has: {reply}",
            reply=reply,
        )
    raise Trouble.of_reply(reply)


def _demand_encryption(relay: Relay, *, over_tls: bool) -> None:
    if over_tls or (relay.allow_cleartext_auth and relay.auth is not Auth.CLIENT_CERT):
        return
    what = _NAMES.get(relay.auth, "password")
    raise Trouble.ours(f"The connection is not encrypted, so the {what} was not sent.")


def _refuse_unfit(relay: Relay) -> None:
    """RFC 4616 §2: NUL parts the fields; line breaks would part commands; RFC 7628
    §3.1: so does ^A where a token is sent."""
    user = _user(relay)
    if not user and relay.auth is not Auth.CLIENT_CERT:
        raise Trouble.ours("There is no user name to sign in with.")
    if re.search("[\0\1\r\n]", user):
        raise Trouble.ours("The user name may not hold line breaks or NUL.")
    if relay.password and "\0" in relay.password.reveal():
        raise Trouble.ours("The password may not hold NUL.")


def _forced(wanted: str, relay: Relay, offered: Extensions) -> str:
    if not offered.mechanisms:
        raise Trouble.ours("The relay offers no way to sign in (AUTH).")
    if wanted not in offered.mechanisms:
        listed = ", ".join(offered.mechanisms)
        raise Trouble.ours(f"The relay offers {listed}, but not {wanted}.")
    if wanted not in _OURS[relay.auth]:
        raise Trouble.ours(f"The mechanism {wanted} is not supported here.")
    if not _is_fit(wanted, relay):
        raise Trouble.ours(
            f"{wanted} has no form of this user name and password (RFC 4013):"
            " let another mechanism carry them."
        )
    return wanted


def _in_order(relay: Relay, *, over_tls: bool) -> tuple[str, ...]:
    """What SASLprep would change goes as it is by a mechanism that can, if any."""
    ours = _OURS[relay.auth]
    if not over_tls or ours is not sasl.PASSWORDS:
        return ours
    user, password = _user(relay), _revealed(relay.password)
    if not preparing.fits(user, password) or preparing.keeps(user, password):
        return ours
    return (*sasl.AS_TYPED, *(each for each in ours if each not in sasl.AS_TYPED))


def _is_fit(mechanism: str, relay: Relay) -> bool:
    """SCRAM prepares what is typed; a password that cannot be goes as it is."""
    if mechanism not in sasl.SCRAM:
        return True
    return preparing.fits(_user(relay), _revealed(relay.password))


def _user(relay: Relay) -> str:
    """A service account signs in as the mailbox that it acts for."""
    subject = relay.oauth.subject if relay.oauth else None
    return relay.username or subject or ""


def _credentials(relay: Relay, token: Secret | None) -> Credentials:
    return Credentials(
        user=_user(relay),
        password=_revealed(relay.password),
        token=_revealed(token),
        host=relay.host,
        port=relay.port,
    )


def _forms(mechanism: str, who: Credentials) -> tuple[str, ...]:
    """What a relay could echo: the secret, and each form in which it travels."""
    plain = [f"\0{who.user}\0{who.password}", who.password] if who.password else []
    if who.token:
        first = first_words(mechanism, who.user, who.token, who.host, who.port)
        plain += [first, who.token]
    coded = [base64.b64encode(text.encode()).decode() for text in plain]
    forms = [*coded, *(text for text in (who.token, who.password) if text)]
    return tuple(dict.fromkeys(form for form in forms if len(form) >= 3))


def _pieces(forms: tuple[str, ...]) -> tuple[str, ...]:
    """A relay that echoes a long line cuts it: pieces of a secret are one too."""
    return tuple(
        form[at : at + _PIECE]
        for form in forms
        if len(form) > 2 * _PIECE
        for at in range(0, len(form) - _PIECE + 1, _PIECE)
    )


def _revealed(secret: Secret | None) -> str:
    return secret.reveal() if secret else ""
