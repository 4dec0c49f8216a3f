"""Client certificates for peers, with the fingerprints that these know them by."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

import trustme

from tests.peers.postfix import Pair


def client_pair(authority: trustme.CA, stem: Path) -> Pair:
    """`stem`.pem and `stem`.key, for app.peer.example."""
    name = "app.peer.example"
    issued = authority.issue_cert(name, common_name=name)
    pair = Pair(
        certificate=stem.with_suffix(".pem"),
        key=stem.with_suffix(".key"),
        fingerprint=_fingerprint(issued.cert_chain_pems[0].bytes().decode()),
    )
    issued.cert_chain_pems[0].write_to_path(pair.certificate)
    issued.private_key_pem.write_to_path(pair.key)
    return pair


def _fingerprint(pem: str) -> str:
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))
