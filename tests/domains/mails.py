"""A mail of the shop as its receiver shows the source of it."""

from __future__ import annotations

import dkim

from portal.crypto.signing import new_key, public_record
from tests.domains.conftest import MAIL, PATH, POLICY, zone

PEM = new_key("rsa")
RECORD = public_record(PEM)
OTHER = f'tx7._domainkey TXT "{RECORD[:200]}" "{RECORD[200:]}"'
SHOP = zone(MAIL, POLICY, PATH, OTHER)
BORDER = """\
Received: from out.mtasv.net (out.mtasv.net [50.31.156.120])
 by mx.office.example (Postfix) with ESMTPS id 1
 (version=TLS1_3 cipher=X); Sat, 21 Nov 2026 16:00:09 +0000
Authentication-Results: mx.office.example;
 spf=pass smtp.mailfrom=pm-bounces.shop.example;
 dmarc=pass header.from=shop.example
"""
BEFORE = """\
Received: from portal (unknown [10.0.0.9]) by out.mtasv.net with ESMTPA;
 Sat, 21 Nov 2026 16:00:02 +0000
Authentication-Results: mx.office.example; dkim=pass header.d=bank.example
"""
OWN = """\
From: Kim <kim@shop.example>
To: lee@office.example
Subject: Your <b>order</b>
Message-ID: <7.abc@shop.example>
"""


def mail(*, selector="tx7", domain="shop.example", own=OWN, border=BORDER):
    """As bytes with CRLF, signed as a provider signs."""
    content = f"{own}\nThank you.\n".replace("\n", "\r\n").encode()
    signature = dkim.sign(content, selector.encode(), domain.encode(), PEM.encode())
    return (border + BEFORE).replace("\n", "\r\n").encode() + signature + content


def header(content):
    return content.partition(b"\r\n\r\n")[0]
