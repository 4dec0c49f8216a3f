"""The three domains of a mail: From, envelope, signature; they differ by provider."""

from __future__ import annotations

import dataclasses

from portal.deliverability.suffixes import organization
from portal.deliverability.types import Expectation, ReturnPathExpected, Subject


def envelope(subject: Subject) -> str | None:
    """Whose SPF is looked at; None: the provider's own, in order by itself.

    A `{word}` is left in it where only the provider's console knows the name.
    """
    spf, usual = subject.spf, subject.usual_path
    own = _own_path(subject)
    if subject.is_homely:
        return own
    if spf is None or spf.evaluated_at == "from_domain":
        return own or subject.domain
    if spf.evaluated_at == "signing_domain":
        return own or signing(subject)
    if spf.evaluated_at == "return_path" and subject.return_path is None:
        return usual.host if usual else None
    return own


def aligning(subject: Subject) -> str | None:
    """The envelope that a receiver compares with From; None: one of the provider's."""
    spf = subject.spf
    if spf is not None and spf.lends_envelope and not subject.is_homely:
        return _own_path(subject)
    return envelope(subject)


def signing(subject: Subject) -> str:
    """The d= of the signature that is meant to align."""
    return subject.signing_domain or subject.domain


def with_own_path(subject: Subject) -> Subject:
    """Providers that look at From let the tenant have an envelope, too: then that is
    the one that counts."""
    made, spf = subject.expectation, subject.spf
    if made is None or spf is None or made.return_path is None:
        return subject
    own = _own_path(subject) not in (None, subject.domain)
    if not own or not spf.lends_envelope or not made.return_path.records:
        return subject
    at_path = dataclasses.replace(spf, evaluated_at="return_path")
    return dataclasses.replace(
        subject, expectation=dataclasses.replace(made, spf=at_path)
    )


def _own_path(subject: Subject) -> str | None:
    """What a tenant reads in a mail may be the provider's, and is not theirs to fill."""
    path = subject.return_path
    if path is None or subject.expectation is None:
        return path
    home = organization(path)
    known = {organization(subject.domain), organization(signing(subject))}
    return None if home in _places(subject.expectation) - known else path


def _places(expectation: Expectation) -> set[str | None]:
    """The domains of a provider, as far as its records name them."""
    path = expectation.return_path or ReturnPathExpected()
    records = (*path.records, *path.alternatives)
    hosts = [each.value.split()[-1] for each in records if each.type != "TXT"]
    if expectation.spf is not None:
        hosts += [each.partition(":")[2] for each in expectation.spf.includes]
    whole = (each.rpartition("}")[2].lstrip(".") for each in hosts)
    return {organization(each) for each in whole if "." in each}
