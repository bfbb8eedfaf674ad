"""A user's mailboxes as the pages show them:

in the usual order, each with an icon and an address of its own.
"""

from dataclasses import dataclass

from apps.mailstore import queries
from apps.mailstore.models import SpecialUse
from apps.mailstore.queries import MailboxRow
from apps.wire.errors import NotFound

_LOOKS = {
    SpecialUse.INBOX: ("Inbox", "inbox"),
    SpecialUse.DRAFTS: ("Drafts", "file-pen-line"),
    SpecialUse.SENT: ("Sent", "send"),
    SpecialUse.ARCHIVE: ("Archive", "archive"),
    SpecialUse.JUNK: ("Junk", "octagon-alert"),
    SpecialUse.TRASH: ("Trash", "trash-2"),
}
_ORDER = {use: place for place, use in enumerate(_LOOKS)}


@dataclass(frozen=True, slots=True)
class Folder:
    """`slug` stands in addresses:

    the special use, or the mailbox's id. `count` is what deserves a number.
    """

    id: int
    slug: str
    name: str
    icon: str
    special_use: str
    messages: int
    unseen: int

    @property
    def count(self) -> int:
        return self.messages if self.special_use == SpecialUse.DRAFTS else self.unseen

    @property
    def unit(self) -> str:
        return "messages" if self.special_use == SpecialUse.DRAFTS else "unread"


def folders(user_id: int) -> list[Folder]:
    """All mailboxes of a user, those with a special use first; one query."""
    rows = queries.mailboxes(user_id)
    rows.sort(key=lambda row: (_ORDER.get(SpecialUse(row.special_use), 99), row.name.casefold()))
    return [_folder(row) for row in rows]


def pick(found: list[Folder], slug: str) -> Folder:
    """The folder of an address.

    Raises NotFound: another user's folder is no different from none.
    """
    for folder in found:
        if folder.slug == slug:
            return folder
    raise NotFound(f"no mailbox {slug!r}")


def _folder(row: MailboxRow) -> Folder:
    name, icon = _LOOKS.get(SpecialUse(row.special_use), (row.name, "folder"))
    return Folder(
        id=row.id,
        slug=row.special_use or str(row.id),
        name=name,
        icon=icon,
        special_use=row.special_use,
        messages=row.counters.messages,
        unseen=row.counters.unseen,
    )
