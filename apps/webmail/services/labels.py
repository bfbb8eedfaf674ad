"""A person's labels: make, rename, colour, delete. Rows change here alone.

The keyword of a label is made from its first name and stays, whatever the label is called later:
it is what all programs know the messages by. Other programs that make keywords of names write them
in lower case and modified UTF-7, with `_` for what no atom may hold (RFC 3501 section 9), and so
does this: a label of the same name is then the same label everywhere.
"""

import base64
import re
import time
import unicodedata
import zlib
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from apps.events.bus import publish_on_commit
from apps.events.types import LooksChanged
from apps.mailstore import chosen, labelled
from apps.mailstore.chosen import Only
from apps.mailstore.origin import Origin
from apps.mailstore.services import flags, keywords
from apps.mailstore.services.flags import FlagChange
from apps.webmail.labels import HUES, is_label
from apps.webmail.models import Label
from apps.wire.errors import AlreadyExists, InvalidName, LimitReached, NotFound

MOST: Final = 200
"""Labels of one person: they all stand in every page."""
LONGEST: Final = 100  # characters of a name
_LONGEST_KEYWORD: Final = 80  # octets, so that there is room for a number
CHUNK: Final = 2_000
SECONDS: Final = 10.0
"""How long one request takes a label off messages."""
_EVERY: Final = 1 << 62  # above all UIDs
_NO_ATOM: Final = re.compile(r'[\x00-\x20\x7f(){%*"\\\]/]')
_WIDE: Final = re.compile(r"[^\x20-\x7e]+")


def create(*, user_id: int, name: str, hue: int | None = None, keyword: str | None = None) -> Label:
    """Make a label.

    Args:
        hue: 1 to 8; None for one that comes of the name.
        keyword: one that messages have already, to which a name and a colour are given.

    Raises:
        InvalidName: no name, or no colour, or no label's keyword.
        AlreadyExists: there is a label of this name.
        LimitReached
    """
    text = normal(name)
    if keyword is not None and not (keywords.is_keyword(keyword) and is_label(keyword)):
        raise InvalidName(repr(keyword[:100]), text=_("There is no such label"))
    with transaction.atomic():
        mine = Label.objects.filter(user_id=user_id)
        known = list(mine.values_list("keyword", "name"))
        if len(known) >= MOST:
            words = _("You have %(count)d labels, and there can be no more: delete one first")
            raise LimitReached(f"user {user_id}", text=words % {"count": MOST})
        _require_free(text, [one for _key, one in known])
        chosen_word = keyword or _free(keyword_of(text), {key.lower() for key, _name in known})
        wanted = _hue(hue) if hue is not None else zlib.crc32(chosen_word.encode()) % 8 + 1
        label = Label(user_id=user_id, keyword=chosen_word, name=text, hue=wanted)
        # Two at once: the database decides, and what it keeps is asked for.
        Label.objects.bulk_create([label], ignore_conflicts=True)
        made = mine.filter(keyword__iexact=chosen_word).get()
        if made.name != text:
            raise AlreadyExists(text, text=_taken())
        publish_on_commit(LooksChanged(user_id))
    return made


def change(*, user_id: int, label_id: int, name: str, hue: int) -> Label:
    """Call a label otherwise, or give it another colour; messages keep it.

    Raises:
        NotFound, InvalidName, AlreadyExists
    """
    text, wanted = normal(name), _hue(hue)
    with transaction.atomic():
        mine = Label.objects.filter(user_id=user_id)
        others = mine.exclude(pk=label_id).values_list("name", flat=True)
        _require_free(text, list(others))
        if not mine.filter(pk=label_id).update(name=text, hue=wanted):
            raise NotFound(f"label {label_id} of user {user_id}", text=_("There is no such label"))
        publish_on_commit(LooksChanged(user_id))
    return mine.get(pk=label_id)


def delete(*, user_id: int, keyword: str, origin: Origin) -> int:
    """Take a label off all of the user's own messages, in transactions of its own, then forget it.

    Returns:
        How many messages have it still, since the time was up: ask again.
    """
    deadline = time.monotonic() + SECONDS
    change_ = FlagChange("remove", 0, (keyword,))
    left = 0
    for mailbox_id, mask in labelled.holding(user_id, keyword).items():
        only, after = Only(keywords=mask), 0
        while uids := chosen.following(mailbox_id, only, after=after, before=_EVERY, limit=CHUNK):
            if time.monotonic() > deadline:
                left += chosen.left(mailbox_id, only, after=after, before=_EVERY)
                break
            _take_off(mailbox_id, uids, change_, origin)
            after = uids[-1]
    if not left:
        with transaction.atomic():
            Label.objects.filter(user_id=user_id, keyword__iexact=keyword).delete()
            publish_on_commit(LooksChanged(user_id))
    return left


def normal(name: str) -> str:
    """The name as it is kept. Raises InvalidName."""
    text = unicodedata.normalize("NFC", " ".join(name.split(" ")).strip())
    if not text:
        raise InvalidName("empty", text=_("Give the label a name"))
    if len(text) > LONGEST:
        words = _("The name is too long: at most %(count)d characters")
        raise InvalidName(f"{len(text)} characters", text=words % {"count": LONGEST})
    if not text.isprintable():
        words = _("The name holds characters that cannot be shown, such as a line break")
        raise InvalidName(repr(text), text=words)
    return text


def keyword_of(name: str) -> str:
    """The keyword that a name makes: an atom in ASCII, one that means nothing to programs."""
    word = _WIDE.sub(_in_base64, name.lower().replace("&", "&-"))
    word = _NO_ATOM.sub("_", word)
    if len(word) > _LONGEST_KEYWORD:
        # What is cut differs by what is cut off.
        word = f"{word[: _LONGEST_KEYWORD - 9]}-{zlib.crc32(word.encode()):08x}"
    return word if is_label(word) else f"label_{word.lstrip('$')}"


def _in_base64(found: re.Match[str]) -> str:
    """A run of other letters in modified UTF-7 (RFC 3501 section 5.1.3)."""
    octets = found[0].encode("utf-16-be", "surrogatepass")
    return "&" + base64.b64encode(octets).decode().rstrip("=").replace("/", ",") + "-"


def _free(word: str, taken: set[str]) -> str:
    """The word, or the first of `word-2`, `word-3` … that no label has."""
    number, found = 1, word
    while found.lower() in taken:
        number += 1
        found = f"{word}-{number}"
    return found


def _require_free(name: str, taken: list[str]) -> None:
    if name.casefold() in {one.casefold() for one in taken}:
        raise AlreadyExists(name, text=_taken())


def _taken() -> str:
    return _("You have a label of this name already: choose another name")


def _hue(hue: int) -> int:
    if hue not in HUES:
        raise InvalidName(f"hue {hue}", text=_("There is no such colour"))
    return hue


def _take_off(mailbox_id: int, uids: list[int], change_: FlagChange, origin: Origin) -> None:
    try:
        flags.store(mailbox_id=mailbox_id, uids=uids, change=change_, origin=origin)
    except NotFound:
        return  # deleted meanwhile: what is in it is out of sight
