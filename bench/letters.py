"""Messages as people get them: 4 KB of text under ordinary headers, every fifth with an attachment.

The same number gives the same message, whoever is filled with it. Words are drawn at random, so
that they compress as text does (to a half), not as a repeated line would (to a twentieth).
"""

import base64
import random
from functools import lru_cache
from typing import Final

from bench.service import DOMAIN, USERS

_TEXTS: Final = 200  # different ones; headers differ in every message
_ATTACHED: Final = 5  # every so manyth message has a file attached
_WORDS: Final = (
    "the of and to in is that for it as was with be by on not he his but at are this have from or"
    " had an they which one you were all her she there would their we him been has when who will"
    " no more if out so up said what its about than into them can only other time new some could"
    " these two may first then do any like my now over such our man me even most made after also"
    " meeting report project budget contract invoice attached regards schedule office customer"
    " Tuesday version release delivery question answer review please thanks number quarter"
).split()

HEADER: Final = """\
Return-Path: <s{sender}@example.net>
Received: from mx{relay}.example.net (mx{relay}.example.net [192.0.2.{relay}])
\tby mail.{domain} with ESMTPS id {token}
\tfor <{user}>; Tue, 01 Oct 2024 10:{minute:02d}:00 +0200
Received: from [10.0.0.5] by smtp.example.net; Tue, 01 Oct 2024 10:{minute:02d}:00 +0200
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=sel;
\th=from:to:subject:date:message-id; bh={token}{token};
\tb={token}{token}{token}
\t {token}{token}{token}
From: Sender Number {sender} <s{sender}@example.net>
To: Somebody <{user}>, "Somebody Else" <else@example.org>
Subject: Quarterly report number {number}
Date: Tue, 01 Oct 2024 10:{minute:02d}:00 +0200
Message-ID: <{number}.{token}@example.net>
In-Reply-To: <{before}@example.net>
References: <{before}.0@example.net>
\t<{before}@example.net>
X-Mailer: Example 12.3
MIME-Version: 1.0
"""
PLAIN: Final = 'Content-Type: text/plain; charset="utf-8"\nContent-Transfer-Encoding: 7bit\n\n'


def letter(number: int, user: str = USERS[0]) -> bytes:
    """Return a message with CRLF line ends."""
    head = HEADER.format(
        number=number,
        before=number - 1,
        user=user,
        domain=DOMAIN,
        sender=number % 97,
        relay=number % 7 + 1,
        minute=number % 60,
        token=f"{random.Random(number).getrandbits(128):032x}",
    )
    body = _with_file(number) if number % _ATTACHED == 0 else PLAIN + _text(number % _TEXTS, 3000)
    return (head + body).replace("\n", "\r\n").encode()


def _with_file(number: int) -> str:
    mark = f"part-{number}"
    file = random.Random(number % _TEXTS).randbytes(4500)
    return (
        f'Content-Type: multipart/mixed; boundary="{mark}"\n\n--{mark}\n'
        f"{PLAIN}{_text(number % _TEXTS, 1200)}\n--{mark}\n"
        'Content-Type: application/pdf; name="report.pdf"\n'
        'Content-Disposition: attachment; filename="report.pdf"\n'
        f"Content-Transfer-Encoding: base64\n\n{base64.encodebytes(file).decode()}--{mark}--\n"
    )


@lru_cache(maxsize=2 * _TEXTS)
def _text(number: int, octets: int) -> str:
    dice = random.Random(number)
    lines: list[str] = []
    while octets > 0:
        line = " ".join(dice.choices(_WORDS, k=12))
        if dice.random() < 0.2:
            line += f" {dice.getrandbits(40):x}"
        lines.append(line)
        octets -= len(line) + 2
    return "\n".join(lines) + "\n"
