"""The three domains of a mail: From, envelope, signature; they differ by provider."""

from __future__ import annotations

from portal.deliverability.types import Subject


def envelope(subject: Subject) -> str | None:
    """Whose SPF a receiver looks at; None: the provider's own, in order by itself.

    A `{word}` is left in it where only the provider's console knows the name.
    """
    expectation = subject.expectation
    spf = expectation.spf if expectation else None
    if subject.is_homely:
        return subject.return_path
    if spf is None or spf.evaluated_at == "from_domain":
        return subject.return_path or subject.domain
    if spf.evaluated_at == "signing_domain":
        return subject.return_path or signing(subject)
    if spf.evaluated_at == "return_path":
        usual = expectation.return_path if expectation else None
        return subject.return_path or (usual.host if usual else None)
    return subject.return_path


def signing(subject: Subject) -> str:
    """The d= of the signature that is meant to align."""
    return subject.signing_domain or subject.domain
