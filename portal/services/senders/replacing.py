"""A new secret for a sender whose other fields stay: an action of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.errors import Invalid, Missing
from portal.services.senders.fields import PASSWORD
from portal.services.senders.finding import NO_SENDER
from portal.services.senders.inputs import nested
from portal.services.senders.judging import Stored
from portal.services.senders.keeping import main_secret, possible
from portal.services.senders.signing_in import UPLOADS


def only_the_secret(
    values: Mapping[str, object], known: Stored | None
) -> dict[str, object]:
    """The stored settings with the secrets of `values`, whatever else these hold.

    A new certificate comes with its key. Raises Invalid where there is none.
    """
    if known is None:
        raise Missing(NO_SENDER)
    main = main_secret(known.fields)
    if main is None:
        raise Invalid(PASSWORD, "This sender signs in without a secret.")
    given, found = nested(values), known.fields.settings()
    fresh = [name for name in possible(known.fields) if _take(found, given, name)]
    if known.fields.client_cert:
        uploads = (*UPLOADS, "client_cert")
        fresh += [name for name in uploads if _take(found, given, name)]
    if not fresh:
        raise Invalid(main, "Type the new secret.")
    return found


def _take(found: dict[str, Any], given: Mapping[str, Any], name: str) -> bool:
    """Take one value over; True where it was given."""
    outer, _, inner = name.partition(".")
    value = given.get(outer)
    if inner:
        value = value.get(inner) if isinstance(value, Mapping) else None
    if value:
        found[outer] = {**(found[outer] or {}), inner: value} if inner else value
    return bool(value)
