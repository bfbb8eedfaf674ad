"""A user's mailboxes as the pages show them:

in the usual order, each with an icon and an address of its own.
"""

from collections.abc import Set
from dataclasses import dataclass

from apps.mailstore import queries
from apps.mailstore.models import SpecialUse
from apps.mailstore.queries import MailboxRow
from apps.mailstore.services.mailboxes import SEPARATOR
from apps.wire.errors import NotFound

_LOOKS = {
    SpecialUse.INBOX: ("Inbox", "inbox"),
    SpecialUse.DRAFTS: ("Drafts", "file-pen-line"),
    SpecialUse.SENT: ("Sent", "send"),
    SpecialUse.ARCHIVE: ("Archive", "archive"),
    SpecialUse.JUNK: ("Junk", "octagon-alert"),
    SpecialUse.TRASH: ("Trash", "trash-2"),
}
DEEPEST = 4  # levels by which the tree is indented; deeper ones stand there too
_ORDER = {use: place for place, use in enumerate(_LOOKS)}


@dataclass(frozen=True, slots=True)
class Folder:
    """`slug` stands in addresses:

    the special use, or the mailbox's id. `count` is what deserves a number. In the tree a folder
    stands `depth` levels below the first, and is called by what comes after the folder it is in:
    `above` (with the separator) and `leaf` make the name.
    """

    id: int
    slug: str
    name: str
    above: str
    leaf: str
    depth: int
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
    # By levels, so that what is below a folder comes next to it: "a/b" before "a-b".
    rows.sort(key=lambda row: (_ORDER.get(SpecialUse(row.special_use), 99), _levels(row)))
    parents = {row.name for row in rows if not row.special_use}
    return [_folder(row, parents) for row in rows]


def pick(found: list[Folder], slug: str) -> Folder:
    """The folder of an address.

    Raises NotFound: another user's folder is no different from none.
    """
    for folder in found:
        if folder.slug == slug:
            return folder
    raise NotFound(f"no mailbox {slug!r}")


def _levels(row: MailboxRow) -> list[str]:
    return row.name.casefold().split(SEPARATOR)


def _folder(row: MailboxRow, parents: Set[str]) -> Folder:
    name, icon = _LOOKS.get(SpecialUse(row.special_use), (row.name, "folder"))
    levels = name.split(SEPARATOR)
    # Below a mailbox that is not there, or stands elsewhere (INBOX), a name is shown whole.
    chain = [SEPARATOR.join(levels[:depth]) for depth in range(1, len(levels))]
    chain = [one for one in chain if one in parents]
    above = chain[-1] + SEPARATOR if chain else ""
    return Folder(
        id=row.id,
        slug=row.special_use or str(row.id),
        name=name,
        above=above,
        leaf=name.removeprefix(above),
        depth=min(len(chain), DEEPEST),
        icon=icon,
        special_use=row.special_use,
        messages=row.counters.messages,
        unseen=row.counters.unseen,
    )
