"""The one place that judges what somebody typed for a sender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from portal.address import parse_mailbox, parse_name
from portal.config import Settings
from portal.crypto.signing import algorithm_of
from portal.deliverability.blocklists import MOST_LISTED
from portal.delivery.types import Auth, Security
from portal.providers.catalogue import Catalogue
from portal.providers.types import Provider
from portal.secret import Secret
from portal.services.senders import grammar, judging, signing_in
from portal.services.senders.completeness import awaited, forgiven
from portal.services.senders.fields import (
    SANDBOX,
    SIGNING_KEY,
    Dkim,
    DkimSigning,
    OnLostReply,
    Pacing,
    SenderFields,
    SigningAlgorithm,
)
from portal.services.senders.inputs import Inputs, nested
from portal.services.senders.judging import Stored
from portal.services.senders.typed import Lender, lend

KNOWN = frozenset(
    (
        *(each.name for each in fields(SenderFields) if each.name != "secrets"),
        *("password", "client_key"),
        *signing_in.UPLOADS,
    )
)
PACING = frozenset(each.name for each in fields(Pacing))
DKIM = frozenset(each.name for each in fields(Dkim))
SIGNING = frozenset((*(each.name for each in fields(DkimSigning)), "key"))
MOST_IN_A_ROW = 1000


def validate(
    values: Mapping[str, object],
    *,
    catalogue: Catalogue,
    settings: Settings,
    stored: Stored | None,
    lender: Lender | None = None,
    consenting: bool = False,
    incomplete: bool = False,
) -> SenderFields:
    """The fields of a form or of JSON, every one of them checked.

    A missing secret means the one that `lender` lends, else the stored one, and
    this only while everything that it is bound to stays as it was; then it is not
    among the secrets of the answer. `consenting`: a person is about to be asked
    for the refresh token, which need not be there. `incomplete`: what it signs in
    with may come later. Raises Invalid that names each wrong field.
    """
    given = Inputs(nested(values))
    given.refuse_unknown(KNOWN)
    provider = _provider(given, catalogue)
    found = lend(_read(given, provider), lender)
    judging.judge_mechanism(given, found)
    judging.judge_certificate(given, found)
    judging.judge_secrets(given, found, provider, stored, consenting=consenting)
    judging.judge_cleartext(given, found, settings)
    judging.judge_token_ports(given, found, settings)
    if incomplete:
        waits = awaited(found, found.secrets, provider)
        given.errors = forgiven(given.errors, values, waits)
    given.raise_if_wrong()
    return found


def _provider(given: Inputs, catalogue: Catalogue) -> Provider | None:
    name = given.text("provider") or "generic_smtp"
    provider = catalogue.get(name)
    if provider is None:
        given.refuse("provider", f"The catalogue has no provider “{name}”.")
    return provider


def _read(given: Inputs, provider: Provider | None) -> SenderFields:
    """Every field; a wrong one has left its fault and some value in its place."""
    sandbox = provider is not None and provider.id == SANDBOX
    # The sandbox is wherever this process runs it: where is not a setting.
    security, auth = (Security.NONE, Auth.NONE) if sandbox else _connection(given)
    sign_in = signing_in.read(given, auth, provider)
    reply_to = given.read("reply_to_address", parse_mailbox)
    mail_from = given.read("mail_from", parse_mailbox)
    reply_to_name = given.read("reply_to_name", parse_name) or ""
    if reply_to_name and not given.is_given("reply_to_address"):
        given.refuse("reply_to_address", "A Reply-To name needs its address.")
    from_address = _needed(given, "from_address", "Which address is mail from?")
    signing, signing_key = _signing(given, from_address)
    relay_ips = given.several("relay_ips", grammar.ip)
    return SenderFields(
        name=_needed(given, "name", "Give the sender a name."),
        provider=provider.id if provider else "",
        region=given.read("region", grammar.region),
        host=None if sandbox else _needed(given, "host", "Which host is the relay?"),
        port=None if sandbox else _port(given),
        security=security,
        auth=auth,
        mechanism=sign_in.mechanism,
        username=sign_in.username,
        oauth=sign_in.oauth,
        client_cert=sign_in.client_cert,
        ca=given.read("ca", grammar.certificates),
        ehlo_name=given.read("ehlo_name", grammar.ehlo),
        local_address=given.read("local_address", grammar.ip),
        relay_ips=relay_ips,
        blocklists=_blocklists(given, relay_ips),
        from_name=given.read("from_name", parse_name) or "",
        from_address=from_address,
        reply_to_name=reply_to_name,
        reply_to_address=str(reply_to) if reply_to else None,
        mail_from=str(mail_from) if mail_from else None,
        allowed_from=given.several("allowed_from", grammar.mailbox_or_domain),
        dkim=_dkim(given),
        dkim_signing=signing,
        on_lost_reply=given.choice(
            "on_lost_reply", tuple(OnLostReply), OnLostReply.RETRY
        ),
        pacing=_pacing(given),
        fallback_after=given.number(
            "fallback_after", 1, MOST_IN_A_ROW, "Failures in a row"
        ),
        secrets={**sign_in.secrets, **signing_key},
    )


def _needed(given: Inputs, name: str, sentence: str) -> str:
    if not given.text(name) and not given.is_wrong(name):
        given.refuse(name, sentence)
    return given.read(name, grammar.NEEDED[name]) or ""


def _port(given: Inputs) -> int | None:
    port = given.number("port", 1, 65535, "A port")
    if port is None and not given.is_wrong("port"):
        given.refuse("port", "A port is a number from 1 to 65535.")
    return port


def _connection(given: Inputs) -> tuple[Security, Auth]:
    return given.choice("security", tuple(Security)), given.choice("auth", tuple(Auth))


def _blocklists(given: Inputs, relay_ips: tuple[str, ...]) -> tuple[str, ...]:
    """Each list is asked about each address; none of the questions is left out."""
    found = given.several("blocklists", grammar.blocklist)
    most, asked = grammar.MOST_BLOCKLISTS, len(found) * len(relay_ips)
    if len(found) > most:
        given.refuse("blocklists", f"At most {most} block lists are asked.")
    elif asked > MOST_LISTED:
        given.refuse(
            "blocklists",
            f"Each list is asked about each address: {asked} questions, at most"
            f" {MOST_LISTED}.",
        )
    return found


def _dkim(given: Inputs) -> Dkim:
    part = given.part("dkim", DKIM)
    return Dkim(
        selectors=part.several("selectors", grammar.selector),
        signing_domain=part.read("signing_domain", grammar.domain),
        return_path=part.read("return_path", grammar.domain),
    )


def _signing(
    given: Inputs, from_address: str
) -> tuple[DkimSigning | None, dict[str, Secret]]:
    """No selector, no signature. A key that is brought along is checked; else one is
    made when the sender is saved."""
    if not given.is_given("dkim_signing"):
        return None, {}
    part = given.part("dkim_signing", SIGNING)
    selector = part.read("selector", grammar.selector)
    domain = part.read("domain", grammar.domain) or from_address.rpartition("@")[2]
    algorithm = part.choice("algorithm", tuple(SigningAlgorithm), SigningAlgorithm.RSA)
    key = part.exactly("key")
    if selector is None:
        if (part.is_given("domain") or key) and not part.is_wrong("selector"):
            part.refuse("selector", "Under which selector will the record stand?")
        return None, {}
    if key:
        _judge_signing_key(part, key, algorithm)
    signing = DkimSigning(domain=domain, selector=selector, algorithm=algorithm)
    return signing, {SIGNING_KEY: key} if key else {}


def _judge_signing_key(part: Inputs, key: Secret, algorithm: SigningAlgorithm) -> None:
    try:
        found = algorithm_of(key.reveal())
    except ValueError as error:
        part.refuse("key", str(error))
        return
    if found != algorithm:
        part.refuse("key", f"This is no key for {algorithm} signatures.")


def _pacing(given: Inputs) -> Pacing:
    part = given.part("pacing", PACING)
    most = grammar.MOST_A_PERIOD
    return Pacing(
        max_connections=part.number("max_connections", 1, 50, "Connections at once")
        or Pacing().max_connections,
        per_minute=part.number("per_minute", 1, most, "Recipients a minute"),
        per_hour=part.number("per_hour", 1, most, "Recipients an hour"),
        per_day=part.number("per_day", 1, most, "Recipients a day"),
    )
