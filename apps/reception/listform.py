"""How a DNS list is written in a setting: `zone[=filter][*weight]`, the form Postfix has for it.

    zen.spamhaus.org=127.0.0.[2..11]*2
    bl.spamcop.net
    list.dnswl.org=127.0.[0..255].[1..3]

The filter says which answers count: four octets, each a number or, in brackets, numbers and ranges
divided by semicolons. Without one every answer of 127.0.0.0/8 does, but for two that lists give to
those they do not talk to. The weight is 1 if left out; a negative one speaks for a client. Pure:
the settings are read with it.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final

MOST_WEIGHT: Final = 1_000
KEY_LENGTH: Final = 20  # characters of a first label that is no name but a key

# "You ask too much" at dnswl.org and at uribl.com. Whoever means such an answer writes a filter.
_NO_ANSWERS: Final = (IPv4Address("127.0.0.255"), IPv4Address("127.0.0.1"))

_FORM = re.compile(r"([^=*]+)(?:=([^*]+))?(?:\*(-?[0-9]{1,4}))?")
_ZONE = re.compile(r"(?!.{200})[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})++")
_OCTET = re.compile(r"\[([^\]]*)\]|([0-9]{1,3})")
_RANGE = re.compile(r"([0-9]{1,3})(?:\.\.([0-9]{1,3}))?")


class ListFormError(ValueError):
    """Not in that form; the text says what is wrong with which list."""


@dataclass(frozen=True, slots=True)
class ListForm:
    """One list, or one kind of answer of it.

    Args:
        zone: lower case, without a final dot.
        octets: what counts at each place of an answer; none: every answer in 127.0.0.0/8.
    """

    zone: str
    octets: tuple[frozenset[int], ...] = ()
    weight: int = 1

    def matches(self, answer: IPv4Address) -> bool:
        """Whether an answer of the list counts."""
        if not self.octets:
            return answer.is_loopback and answer not in _NO_ANSWERS
        return all(part in wanted for part, wanted in zip(answer.packed, self.octets, strict=True))


def parse(text: str) -> ListForm:
    """Read one list.

    Raises:
        ListFormError
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ListFormError(f"{text!r} is not of the form zone=filter*weight")
    zone = found[1].lower().removesuffix(".")
    if _ZONE.fullmatch(zone) is None:
        raise ListFormError(f"{found[1]!r} is no zone")
    weight = int(found[3] or 1)
    if not 0 < abs(weight) <= MOST_WEIGHT:
        raise ListFormError(f"the weight of {zone} is not between 1 and {MOST_WEIGHT}")
    return ListForm(zone, _octets(zone, found[2]) if found[2] else (), weight)


def shown(zone: str) -> str:
    """A zone as strangers may read it. Lists that are paid for begin with the customer's key:
    `w3kaqjc4mdtvq5zqbhf2r7xnie.zen.dq.spamhaus.net`."""
    first, _, rest = zone.partition(".")
    return rest if len(first) >= KEY_LENGTH and "." in rest else zone


def _octets(zone: str, text: str) -> tuple[frozenset[int], ...]:
    octets: list[frozenset[int]] = []
    at = 0
    while (found := _OCTET.match(text, at)) is not None:
        octets.append(_numbers(zone, found[2] if found[1] is None else found[1]))
        at = found.end()
        if at == len(text) and len(octets) == 4:
            return tuple(octets)
        if text[at : at + 1] != ".":
            break
        at += 1
    raise ListFormError(f"the filter of {zone} is not four octets, such as 127.0.0.[2..11]")


def _numbers(zone: str, text: str) -> frozenset[int]:
    numbers: set[int] = set()
    for part in text.split(";"):
        found = _RANGE.fullmatch(part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if not first <= last <= 255:
            raise ListFormError(f"{part!r} in the filter of {zone} is no number or range up to 255")
        numbers.update(range(first, last + 1))
    return frozenset(numbers)
