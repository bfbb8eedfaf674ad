"""What people write into addresses and forms, as it is searched for and compared."""

from collections.abc import Iterable, Mapping

from apps.wire.numbers import whole_number


def typed(values: Mapping[str, str], name: str, most: int) -> str:
    """A text without the white space about it, cut to `most` characters; "" if there is none."""
    return storable(values.get(name, "")).strip()[:most].rstrip()


def storable(text: str) -> str:
    """Without NUL and halves of pairs: Postgres takes no text that has one."""
    return text.encode("utf-8", "ignore").decode().replace("\0", "")


def ticked(texts: Iterable[str]) -> list[int]:
    """Ids as the boxes of a list have them, each once; what is none is left out."""
    found = (whole_number(text) for text in texts)
    return list(dict.fromkeys(one for one in found if one is not None))
