"""A process that needs one access token: `python -m tests.senders.token_process`.

Reads a JSON object from standard input, says “asking”, and prints the token.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from portal.config import Settings
from portal.delivery.grants import Grant, OAuth
from portal.net.open import OpenNet
from portal.secret import Secret
from portal.services.senders.tokens import KeptTokens, Timing
from portal.store import database
from portal.store.vault import open_vault


def main() -> None:
    given = json.load(sys.stdin)
    settings = Settings(
        instance=Path(given["instance"]), database_url=given["database_url"]
    )
    database.attach(settings)
    tokens = KeptTokens(
        vault=open_vault(settings),
        tenant_id=given["tenant_id"],
        net=OpenNet(),
        ca_pem=given["ca_pem"],
        timing=Timing(lease_s=given["lease_s"], poll_s=0.02),
    )
    oauth = OAuth(
        grant=Grant.REFRESH_TOKEN,
        token_url=given["token_url"],
        client_id=given["client_id"],
        client_secret=Secret(given["client_secret"]),
        refresh_token=Secret(given["refresh_token"]),
    )
    print("asking", flush=True)
    found = asyncio.run(tokens.token(oauth, timeout_s=30))
    print(found.access.reveal() if hasattr(found, "access") else found.words)


if __name__ == "__main__":
    main()
