"""Names of messages in forms: `<mailbox id>.<uid>`. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from django.utils.translation import gettext as _

from apps.wire.errors import LimitReached, Refused

MOST: Final = 5_000
"""Messages that one request may name; who means more says `all`."""

Named = Mapping[int, Sequence[int]]  # UIDs, rising, by mailbox id

# 63 bits are a mailbox's id, 32 a UID (RFC 3501 section 2.3.1.1).
_REF: Final = re.compile(r"([1-9][0-9]{0,17})\.([1-9][0-9]{0,9})", re.ASCII)
_LONGEST: Final = MOST * 30  # characters


def parse(texts: Iterable[str]) -> Named:
    """Messages by mailbox; each text holds one or more, with blanks between them.

    Raises:
        Refused: something else stands there.
        LimitReached: more than `MOST`.
    """
    found: dict[int, set[int]] = {}
    count = length = 0
    for text in texts:
        length += len(text) + 1
        if length > _LONGEST:
            raise _too_many()
        for word in text.split():
            match = _REF.fullmatch(word)
            if match is None or int(match[2]) >= 2**32:
                raise Refused("no ref", text=_("This names no message"))
            found.setdefault(int(match[1]), set()).add(int(match[2]))
            count += 1
    if count > MOST:
        raise _too_many()
    return {mailbox_id: sorted(uids) for mailbox_id, uids in sorted(found.items())}


def write(mailbox_id: int, uid: int) -> str:
    """The inverse, for one."""
    return f"{mailbox_id}.{uid}"


def _too_many() -> LimitReached:
    words = _("At most %(count)d messages can be named at once: choose all of the folder instead")
    return LimitReached("refs", text=words % {"count": MOST})
