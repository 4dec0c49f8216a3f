"""TLS as we want it, and what a certificate says."""

from __future__ import annotations

import contextlib
import hashlib
import os
import ssl
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

from portal.delivery.trouble import Trouble
from portal.delivery.types import TlsFacts
from portal.net.trust import context_trusting
from portal.secret import Secret

_KEPT = 64
_contexts: OrderedDict[bytes, ssl.SSLContext] = OrderedDict()
_lock = threading.Lock()
_SHORT = {
    "commonName": "CN",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "localityName": "L",
    "stateOrProvinceName": "ST",
}


def context_of(
    ca_pem: str | None,
    client_cert: str | None = None,
    client_key: Secret | None = None,
) -> ssl.SSLContext:
    """One context per CA and client certificate: making one costs 17 ms.

    Certificate and name are checked, always; TLS 1.2 at least (RFC 8996).
    """
    key = client_key.reveal() if client_key else None
    content = _digest(ca_pem, client_cert, key)
    with _lock:
        context = _contexts.get(content)
        if context is None:
            context = _context(ca_pem)
            if client_cert is not None:
                _show(context, client_cert, key)
            _contexts[content] = context
            if len(_contexts) > _KEPT:
                _contexts.popitem(last=False)
        _contexts.move_to_end(content)
    return context


def facts_of(connection: ssl.SSLObject) -> TlsFacts:
    certificate: dict[str, Any] = connection.getpeercert() or {}
    cipher = connection.cipher()
    return TlsFacts(
        version=connection.version() or "",
        cipher=cipher[0] if cipher else "",
        subject=_name(certificate.get("subject", ())),
        issuer=_name(certificate.get("issuer", ())),
        not_after=_not_after(certificate),
        san=tuple(f"{value}" for _, value in certificate.get("subjectAltName", ())),
    )


def sentence(facts: TlsFacts, host: str) -> str:
    """`TLS 1.3, certificate for smtp.example.org until 12 Mar 2027`."""
    words = f"{facts.version.replace('TLSv', 'TLS ')}, certificate for {host}"
    if facts.not_after is None:
        return words
    return f"{words} until {facts.not_after.day} {facts.not_after:%b %Y}"


def _digest(*parts: str | None) -> bytes:
    """Contexts are known by what went into them; the key itself is kept by none."""
    digest = hashlib.sha256()
    for part in parts:
        raw = b"" if part is None else part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:%d:" % (part is None, len(raw)) + raw)
    return digest.digest()


def _context(ca_pem: str | None) -> ssl.SSLContext:
    try:
        return context_trusting(ca_pem)
    except (ssl.SSLError, ValueError) as error:
        raise Trouble.ours(f"The CA given holds no certificate: {error}.") from error


def _show(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    """The library reads files alone: this one is in memory, where that can be."""
    try:
        with _file_of(f"{certificate}\n{key or ''}".encode()) as name:
            # Without a passphrase of ours OpenSSL would ask at the terminal.
            context.load_cert_chain(name, password="")
    except (OSError, ValueError) as error:
        raise Trouble.ours(
            f"The client certificate cannot be used: {error}."
        ) from error


@contextlib.contextmanager
def _file_of(content: bytes) -> Iterator[str]:
    """A name to read the content by, for as long as that takes."""
    with _unnamed_file() as file:
        file.write(content)
        file.flush()
        yield _path_of(file)


def _unnamed_file() -> IO[bytes]:
    """In memory on Linux; elsewhere one of ours alone, deleted when it is closed."""
    if hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir():
        return os.fdopen(os.memfd_create("certificate"), "wb")
    return cast("IO[bytes]", tempfile.NamedTemporaryFile())


def _path_of(file: IO[bytes]) -> str:
    name = file.name
    return f"/proc/self/fd/{name}" if isinstance(name, int) else str(name)


def _name(parts: Iterable[Iterable[tuple[str, str]]]) -> str:
    """`O=Example Inc, CN=smtp.example.org`, in the order of the certificate."""
    return ", ".join(
        f"{_SHORT.get(key, key)}={value}" for part in parts for key, value in part
    )


def _not_after(certificate: dict[str, Any]) -> datetime | None:
    text = certificate.get("notAfter")
    if text is None:
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
