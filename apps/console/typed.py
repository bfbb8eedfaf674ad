"""What people write into addresses and forms, as it is searched for and compared."""

from collections.abc import Mapping


def typed(values: Mapping[str, str], name: str, most: int) -> str:
    """A text without the white space about it, cut to `most` characters; "" if there is none.

    NUL and halves of pairs are left out: Postgres takes no text that has one.
    """
    return plain(values.get(name, ""), most)


def plain(text: str, most: int) -> str:
    """The same of a text that is at hand."""
    return text.encode("utf-8", "ignore").decode().replace("\0", "").strip()[:most]
