"""Made-up mail for trying the filter: plausible in shape, with words that mean nothing.

It shows that the machinery works and what it costs, in several scripts, with newsletters among the
ham and word salad among the spam. It says nothing about real mail: whoever wants to know how well
the filter does needs mail of people. Words are drawn by Zipf's law from vocabularies of their own
for each language and topic, of which shops share a good part with spam. The same number gives the
same message for ever.
"""

import base64
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from itertools import accumulate
from typing import Final

_BEGAN: Final = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
_SCRIPTS: Final = {
    "en": ("th er in on st re la mo ti ca pe sho wi nd ou".split(), " "),
    "de": ("sch ein er ung ge au ber ver stel ra wo mü ze ker".split(), " "),
    "fr": ("que les ai on dé té man pour re son l' ce eau mar".split(), " "),
    "pl": ("prze czy nie szcz ów ska do wy cie ło ra mi ko".split(), " "),
    "ru": ("по на ст ко во пре ни ла то ди ем ши ва".split(), " "),
    "he": ("של את מה בי תו רה לש הח קר ני".split(), " "),
    "zh": ([chr(0x4E00 + number) for number in range(0, 2400, 3)], ""),
}
_COMMON: Final = 120  # words that all topics of a language share
_TOPIC: Final = 400
PEOPLE: Final = [f"people{number}" for number in range(24)]
SHOPS: Final = [f"shop{number}" for number in range(12)]
PITCHES: Final = [f"pitch{number}" for number in range(8)]


def ham(number: int) -> bytes:
    """A message that somebody wants."""
    dice = random.Random(f"ham {number}")
    makers = (_talk, _talk, _talk, _list_post, _newsletter, _newsletter, _code)
    return dice.choice(makers)(dice, number)


def spam(number: int) -> bytes:
    """A message that nobody wants."""
    dice = random.Random(f"spam {number}")
    return dice.choice((_pitch, _pitch, _salad, _salad, _letter, _nudge))(dice, number)


@cache
def vocabulary(language: str, topic: str, size: int) -> Sequence[str]:
    """The words of a topic, the usual ones first."""
    dice = random.Random(f"{language} {topic}")
    pieces, _ = _SCRIPTS[language]
    return ["".join(dice.choices(pieces, k=dice.randint(2, 4))) for _ in range(size)]


def _prose(dice: random.Random, language: str, topics: Sequence[str], count: int) -> str:
    words: list[str] = []
    for _ in range(count):
        topic = "common" if dice.random() < 0.55 else dice.choice(topics)
        size = _COMMON if topic == "common" else _TOPIC
        words += dice.choices(vocabulary(language, topic, size), cum_weights=_zipf(size))
    blank = _SCRIPTS[language][1]
    lines = [blank.join(words[at : at + 12]) for at in range(0, count, 12)]
    return ".\r\n".join(lines) + "."


@cache
def _zipf(size: int) -> Sequence[float]:
    return list(accumulate(1 / rank for rank in range(1, size + 1)))


def _talk(dice: random.Random, number: int) -> bytes:
    who, language = dice.randrange(60), dice.choice(list(_SCRIPTS))
    topics = dice.choices(PEOPLE, k=2)
    head = {"From": f"Person {who} <p{who}@home{who % 20}.example>", "User-Agent": "Letters 3"}
    text = _prose(dice, language, topics, dice.randint(15, 300))
    return _message(head, _prose(dice, language, topics, 5), number, text)


def _list_post(dice: random.Random, number: int) -> bytes:
    group, who = dice.randrange(6), dice.randrange(200)
    head = {
        "From": f"Member {who} <m{who}@site{who % 70}.example>",
        "List-Id": f"<group{group}.lists.example>",
        "Precedence": "list",
    }
    text = _prose(dice, "en", [PEOPLE[group]], dice.randint(40, 200))
    return _message(head, f"[group{group}] " + _prose(dice, "en", [PEOPLE[group]], 4), number, text)


def _newsletter(dice: random.Random, number: int) -> bytes:
    shop = dice.randrange(len(SHOPS))
    language = ("en", "de", "fr", "pl")[shop % 4]
    host = f"shop{shop}.example"
    head = {
        "From": f"Shop {shop} <news@{host}>",
        "List-Unsubscribe": f"<https://{host}/leave?{number}>",
    }
    text = _prose(dice, language, [SHOPS[shop], "trade"], dice.randint(80, 300))
    return _message(head, _prose(dice, language, ["trade"], 5), number, _page(text, host))


def _code(dice: random.Random, number: int) -> bytes:
    site = dice.randrange(30)
    head = {"From": f"Site {site} <no-reply@login{site}.example>", "Auto-Submitted": "auto"}
    code = dice.randrange(100_000, 1_000_000)
    return _message(head, f"Your code is {code}", number, f"{code} is your code for site {site}.")


def _pitch(dice: random.Random, number: int, salad: str = "") -> bytes:
    language = dice.choice(("en", "en", "en", "de", "ru", "zh"))
    topics = [dice.choice(PITCHES), "trade", "trade"]
    host = f"x{dice.randrange(10**6)}.example"
    head = {"From": f"{_prose(dice, language, topics, 2)} <{dice.randrange(10**6)}@{host}>"}
    text = _prose(dice, language, topics, dice.randint(30, 200))
    return _message(head, _prose(dice, language, topics, 5), number, _page(text + salad, host))


def _salad(dice: random.Random, number: int) -> bytes:
    """With words of wanted mail at its end."""
    wanted = _prose(dice, "en", dice.choices(PEOPLE, k=3), dice.randint(60, 200))
    return _pitch(dice, number, "\r\n\r\n" + wanted)


def _letter(dice: random.Random, number: int) -> bytes:
    head = {"From": f"Dr Person <office{dice.randrange(10**5)}@free.example>"}
    text = _prose(dice, "en", ["fortune"], dice.randint(150, 400))
    return _message(head, _prose(dice, "en", ["fortune"], 4), number, text)


def _nudge(dice: random.Random, number: int) -> bytes:
    head = {"From": f"P{dice.randrange(999)} <p{dice.randrange(10**6)}@free.example>"}
    host = f"{dice.randrange(10**6)}.short.example"
    text = f"{_prose(dice, 'en', ['nudge'], 12)}\r\nhttp://{host}/{dice.randrange(10**6)}"
    return _message(head, _prose(dice, "en", ["nudge"], 3), number, text)


def _page(text: str, host: str) -> str:
    body = "".join(f"<p>{line}</p>" for line in text.split("\r\n"))
    return f'<html><body>{body}<a href="https://{host}/see">{host}</a></body></html>'


def _message(head: dict[str, str], subject: str, number: int, text: str) -> bytes:
    kind = "text/html" if text.startswith("<html>") else "text/plain"
    domain = head["From"].rstrip(">").rpartition("@")[2]
    encoded = base64.b64encode(subject.replace("\r\n", " ").encode()).decode()
    fields = {
        **head,
        "From": _encoded_name(head["From"]),
        "To": "reader@example.test",
        "Subject": f"=?utf-8?b?{encoded}?=" if not subject.isascii() else subject[:200],
        "Date": format_datetime(_BEGAN + timedelta(minutes=7 * number)),
        "Message-ID": f"<{number}.{len(text)}@{domain}>",
        "MIME-Version": "1.0",
        "Content-Type": f"{kind}; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return lines.encode() + b"\r\n" + text.encode() + b"\r\n"


def _encoded_name(author: str) -> str:
    name, _, rest = author.rpartition(" <")
    name = name.replace("\r\n", " ")
    if name.isascii():
        return f'"{name}" <{rest}'
    return f"=?utf-8?b?{base64.b64encode(name.encode()).decode()}?= <{rest}"
