"""Where what is read stands in its list: "3 of 128", and what is next to it."""

from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from apps.mailstore import conversations
from apps.mailstore.conversations import Head
from apps.webmail.conversations import Place, Wish
from apps.webmail.folders import Folder

COUNTED: Final = 5_000
"""Messages of a mailbox that are counted for it: 10 ms. In a larger one it says nothing."""


@dataclass(frozen=True, slots=True)
class Position:
    """`at` and `total` are 0 where nobody has counted; `newer` and `older` are addresses, "" where
    there is none."""

    at: int = 0
    total: int = 0
    newer: str = ""
    older: str = ""


def of(folder: Folder, head: Head, wish: Wish, place: Place, query: str) -> Position:
    """The position of a message's conversation in its mailbox; four queries at most. In a place of
    many mailboxes there is none.

    Args:
        query: what the addresses of its neighbours end with.
    """
    if place.folder is None:
        return Position()
    key = head.place
    if wish.threaded and head.thread_id is not None and not wish.only_unread:
        key = conversations.place_of(folder.id, head.thread_id) or key
    newer, older = (
        conversations.page(
            folder.id,
            limit=1,
            beyond=key,
            newest_first=newest_first,
            only_unread=wish.only_unread,
            threaded=wish.threaded,
        )
        for newest_first in (False, True)
    )
    at, total = (0, 0)
    if folder.messages <= COUNTED and not wish.only_unread:
        at, total = conversations.standing(folder.id, key, threaded=wish.threaded)
        at = at if wish.newest_first else total + 1 - at
    if not wish.newest_first:
        newer, older = older, newer
    return Position(at, total, _address(folder, newer, query), _address(folder, older, query))


def _address(folder: Folder, found: list[Head], query: str) -> str:
    return reverse("message", args=[folder.slug, found[0].uid]) + query if found else ""
