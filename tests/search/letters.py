"""Random letters in many charsets, well made and broken, and what must be found in them."""

# ruff: noqa: RUF001  (letters that look like others are what this is about)

import base64
import random
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from apps.search.base import Field

PHRASES = {
    "us-ascii": (
        "Meeting at noon",
        "100% of a_b",
        'say "hi" now',
        "c:\\temp\\x",
        "what? (a|b)*[c]",
    ),
    "utf-8": (
        "Grüße aus Köln",
        "会議の資料です",
        "🎉 party 👩‍💻",
        "שלום עולם",
        "مرحبا بالعالم",
        "नमस्ते",
    ),
    "koi8-r": ("Привет, как дела", "Счёт за ноябрь"),
    "gb18030": ("会议记录", "你好，世界", "发票一百元"),
    "gb2312": ("中文邮件",),
    "big5": ("會議記錄",),
    "iso-2022-jp": ("会議の資料", "こんにちは世界", "カタカナ"),
    "shift_jis": ("日本語のメール",),
    "euc-kr": ("안녕하세요 세계",),
    "windows-1250": ("Žluťoučký kůň", "Łódź"),
    "windows-1251": ("Добрый день", "Ёлка"),
    "windows-1252": ("naïve café — “ok”", "Ærøskøbing"),
    "windows-1253": ("Καλημέρα κόσμε", "ΟΔΟΣ οδός"),
    "windows-1254": ("İstanbul ışık",),
    "iso-8859-15": ("prix 12 €", "œuvre"),
    "utf-16": ("wide ünïcode",),
}
BROKEN = (
    b"\xff\xfe\x80 broken \xc3(",
    b"=?utf-8?q?half",
    b"\x00nul\x00",
    b"=?x-none?b?!!!?=",
    b"\x1e|\x1f",
)


class Plant(NamedTuple):
    """A text that stands in a letter."""

    field: Field
    text: str


@dataclass(frozen=True, slots=True)
class Letter:
    """Octets, and texts that were put into them."""

    raw: bytes
    plants: tuple[Plant, ...]


def letter(dice: random.Random, number: int) -> Letter:
    """A letter that differs from all with another number."""
    charset = dice.choice(list(PHRASES))
    subject, said, named = (dice.choice(PHRASES[charset]) for _ in range(3))
    plants = [Plant(Field.SUBJECT, subject), Plant(Field.BODY, said), Plant(Field.SENDER, named)]
    lines = [
        b"From: %s <sender%d@example.test>" % (_word(dice, named, charset), number),
        b"To: alice@example.test, %s <b%d@b.test>" % (_word(dice, "Bob", "us-ascii"), number),
        b"Subject: " + _encoded(dice, subject, charset),
        b"Message-ID: <%d@example.test>" % number,
    ]
    if dice.random() < 0.3:
        lines.append(b"Cc: Carol <carol@cc.test>")
        plants.append(Plant(Field.CC, "carol@cc.test"))
    if dice.random() < 0.3:
        lines.insert(dice.randrange(len(lines)), b"X-Odd: " + dice.choice(BROKEN))
    lines += _body(dice, said, charset, plants)
    raw = b"\r\n".join(lines) + b"\r\n"
    if dice.random() < 0.15:  # cut anywhere: nothing is promised of what stood there
        return Letter(raw[: dice.randrange(len(raw))], ())
    return Letter(raw, tuple(plants))


def _word(dice: random.Random, text: str, charset: str) -> bytes:
    """A name before an address."""
    if charset == "us-ascii":
        return b'"%s"' % text.replace("\\", "\\\\").replace('"', '\\"').encode()
    return _encoded(dice, text, charset)


def _encoded(dice: random.Random, text: str, charset: str) -> bytes:
    """An encoded word, either way; plain where that is possible."""
    raw = text.encode(charset)
    if charset == "us-ascii":
        return raw
    if dice.random() < 0.5:
        return b"=?%s?B?%s?=" % (charset.encode(), base64.b64encode(raw))
    quoted = "".join(f"={octet:02X}" for octet in raw)
    return b"=?%s?Q?%s?=" % (charset.encode(), quoted.encode())


def _body(dice: random.Random, said: str, charset: str, plants: list[Plant]) -> list[bytes]:
    """From the MIME fields on."""
    kind = dice.choice(["plain", "plain", "html", "mixed", "lying"])
    if kind == "html":
        marked = f"<p title='tip {charset}'>{escape(said)}</p><style>p {{}}</style>"
        plants.append(Plant(Field.BODY, f"tip {charset}"))
        return _part(dice, "text/html", marked, charset)
    if kind == "mixed":
        plants.append(Plant(Field.FILENAME, f"report {said}.txt"))
        name = "".join(f"%{octet:02X}" for octet in f"report {said}.txt".encode())
        return [
            *(b"Content-Type: multipart/mixed; boundary=xyz", b"", b"--xyz"),
            *_part(dice, "text/plain", said, charset),
            *(b"--xyz", b"Content-Type: application/octet-stream"),
            b"Content-Disposition: attachment; filename*=utf-8''" + name.encode(),
            *(b"", dice.choice(BROKEN), b"--xyz--"),
        ]
    if kind == "lying":  # another charset than it says, or none: whatever is made of it
        plants[:] = [plant for plant in plants if plant.field != Field.BODY]
        said_to_be = dice.choice([*PHRASES, "x-unknown", ""]).encode()
        line = b"Content-Type: text/plain; charset=" + said_to_be
        return [line, b"", said.encode(charset), dice.choice(BROKEN)]
    return _part(dice, "text/plain", said, charset)


def _part(dice: random.Random, kind: str, text: str, charset: str) -> list[bytes]:
    raw = text.encode(charset)
    line = f"Content-Type: {kind}; charset={charset}".encode()
    if charset == "utf-16" or dice.random() < 0.5:
        return [line, b"Content-Transfer-Encoding: base64", b"", base64.encodebytes(raw).strip()]
    return [line, b"Content-Transfer-Encoding: 8bit", b"", raw]
