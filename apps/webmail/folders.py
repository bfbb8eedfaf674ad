"""The places of a person's mail as the pages show them.

Their own mailboxes in the usual order, those that others share with them, and their labels; each
with an icon and an address of its own.
"""

from collections.abc import Set
from dataclasses import dataclass, field, replace
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.directory.models import User
from apps.mailstore import namespaces, queries, shares
from apps.mailstore.models import SpecialUse
from apps.mailstore.queries import MailboxRow, UsageRow
from apps.mailstore.services.mailboxes import INBOX, SEPARATOR
from apps.mailstore.shares import SharedRow
from apps.webmail import labels
from apps.webmail.labels import HIDDEN, LabelView
from apps.webmail.models import FolderLook
from apps.wire.errors import NotFound

_LOOKS: Final[dict[SpecialUse, tuple[str | Promise, str]]] = {
    SpecialUse.INBOX: (_("Inbox"), "inbox"),
    SpecialUse.SNOOZED: (_("Snoozed"), "clock"),
    SpecialUse.DRAFTS: (_("Drafts"), "file-pen-line"),
    SpecialUse.SENT: (_("Sent"), "send"),
    SpecialUse.SCHEDULED: (_("Scheduled"), "calendar-clock"),
    SpecialUse.ARCHIVE: (_("Archive"), "archive"),
    SpecialUse.JUNK: (_("Junk"), "octagon-alert"),
    SpecialUse.TRASH: (_("Trash"), "trash-2"),
}
_WAITING: Final = frozenset({SpecialUse.DRAFTS, SpecialUse.SCHEDULED})
"""All that lies there wants to be seen to, read or not."""
ALL_RIGHTS: Final = frozenset(shares.RIGHTS)
DEEPEST = 4  # levels by which the tree is indented; deeper ones stand there too
_ORDER = {use: place for place, use in enumerate(_LOOKS)}


@dataclass(frozen=True, slots=True)
class Folder:
    """`slug` stands in addresses:

    the special use, or the mailbox's id. `count` is what deserves a number. In the tree a folder
    stands `depth` levels below the first, and is called by what comes after the folder it is in:
    `above` (with the separator) and `leaf` make the name.

    Args:
        path: the name that the mailbox has with its owner.
        rights: letters of `shares.RIGHTS`; of one's own all.
        owner: the owner's address, "" for one's own.
        hue: 1 to 8, 0 for no colour.
        is_subscribed: whether the person wants to see it.
        size: bytes.
        modseq: of its last change (RFC 7162): by it a page finds out what came while it was made.
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
    path: str = ""
    rights: frozenset[str] = ALL_RIGHTS
    owner: str = ""
    owner_id: int = 0
    is_account: bool = False
    hue: int = 0
    is_subscribed: bool = True
    size: int = 0
    modseq: int = 0

    @property
    def count(self) -> int:
        return self.messages if self.special_use in _WAITING else self.unseen

    @property
    def unit(self) -> str:
        return str(_("messages") if self.special_use in _WAITING else _("unread"))

    def may(self, letters: str) -> bool:
        """Whether the person has all these rights (RFC 4314 section 2.1)."""
        return self.rights.issuperset(letters)

    @property
    def takes_mail(self) -> bool:
        """Whether messages can be put there."""
        return "i" in self.rights

    @property
    def can_be_deleted(self) -> bool:
        return not self.special_use and "x" in self.rights

    @property
    def subscription(self) -> str:
        """The name by which the person's programs know it."""
        if not self.owner:
            return self.path
        top = namespaces.SHARED if self.is_account else namespaces.OTHERS
        return namespaces.DELIMITER.join((top, namespaces.level(self.owner), self.path))


@dataclass(frozen=True, slots=True)
class Side:
    """What stands beside the list. `here` is the slug of the page, or `label:<keyword>`.

    Args:
        folders: the person's own that they want to see.
        more: their other ones.
        shared: those of others that they want to see.
        hidden: those of others that they do not.
    """

    folders: list[Folder]
    more: list[Folder]
    shared: list[Folder]
    hidden: list[Folder]
    labels: list[LabelView]
    usage: UsageRow
    here: str = ""
    _labels: dict[str, LabelView] = field(default_factory=dict)

    @property
    def all(self) -> list[Folder]:
        return [*self.folders, *self.more, *self.shared, *self.hidden]

    @property
    def specials(self) -> list[Folder]:
        """The inbox and those with a role."""
        return [one for one in self.folders if one.special_use]

    @property
    def own(self) -> list[Folder]:
        """Those that the person made."""
        return [one for one in self.folders if not one.special_use]

    @property
    def is_in_more(self) -> bool:
        """Whether the page is of a folder that is out of sight."""
        return any(one.slug == self.here for one in [*self.more, *self.hidden])

    def label_of(self, keyword: str) -> LabelView | None:
        """The label that a keyword is; None for what programs note for each other."""
        known = self._labels.get(keyword.lower())
        return known or (labels.plain(keyword) if labels.is_label(keyword) else None)


def folders(user_id: int) -> list[Folder]:
    """All mailboxes of a user, those with a special use first; one query."""
    rows = queries.mailboxes(user_id)
    # By levels, so that what is below a folder comes next to it: "a/b" before "a-b".
    rows.sort(key=lambda row: (_ORDER.get(SpecialUse(row.special_use), 99), _levels(row.name)))
    parents = {row.name for row in rows if not row.special_use}
    return [_folder(row, parents, user_id) for row in rows]


def shared(user_id: int) -> list[Folder]:
    """The mailboxes of others that a user may read, by owner; one query."""
    found: dict[tuple[bool, str], list[SharedRow]] = {}
    for one in shares.shared_with(user_id):
        if "r" in one.rights:
            found.setdefault((not one.is_account, one.owner_key), []).append(one)
    return [folder for key in sorted(found) for folder in _of_owner(found[key])]


def side(user: User, here: str = "") -> Side:
    """All of it; eight queries, however much there is."""
    looks = dict(FolderLook.objects.filter(user=user).values_list("mailbox_id", "hue"))
    names = set(queries.subscriptions(user.pk))
    own = folders(user.pk)
    # Whose programs subscribe to none of the folders they make wants to see them all.
    is_used = any(one.path in names for one in own if not one.special_use)
    own = [
        replace(
            one,
            hue=looks.get(one.id, 0),
            is_subscribed=bool(one.special_use)
            or one.path in names
            or not (is_used or looks.get(one.id) == HIDDEN),
        )
        for one in own
    ]
    others = [
        replace(one, hue=looks.get(one.id, 0), is_subscribed=looks.get(one.id) != HIDDEN)
        for one in shared(user.pk)
    ]
    found = labels.with_unseen(labels.of_user(user.pk), user.pk)
    return Side(
        folders=[one for one in own if one.is_subscribed],
        more=[one for one in own if not one.is_subscribed],
        shared=[one for one in others if one.is_subscribed],
        hidden=[one for one in others if not one.is_subscribed],
        labels=found,
        usage=queries.usage(user.pk),
        here=here,
        _labels={one.keyword.lower(): one for one in found},
    )


def in_order(found: list[Folder]) -> list[Folder]:
    """Those in sight and those that are not, as one tree again."""
    return sorted(found, key=_place_of)


def _place_of(one: Folder) -> tuple[object, ...]:
    owner = (bool(one.owner), not one.is_account, one.owner)
    role = 99 if one.owner else _ORDER.get(SpecialUse(one.special_use), 99)
    return (*owner, bool(one.owner) and one.path != INBOX, role, _levels(one.path))


def pick(found: list[Folder], slug: str) -> Folder:
    """The folder of an address.

    Raises NotFound: another user's folder is no different from none.
    """
    for folder in found:
        if folder.slug == slug:
            return folder
    raise NotFound(f"no mailbox {slug!r}")


def find(user_id: int, slug: str) -> Folder:
    """The folder of an address, one's own or a shared one; two queries at most. Raises NotFound."""
    try:
        return pick(folders(user_id), slug)
    except NotFound:
        if not slug.isdecimal():
            raise
    return pick(shared(user_id), slug)


def _levels(name: str) -> list[str]:
    return name.casefold().split(SEPARATOR)


def _place(name: str, parents: Set[str]) -> tuple[str, str, int]:
    """What is above it, what it is called there, and how deep that is."""
    levels = name.split(SEPARATOR)
    # Below a mailbox that is not there, or stands elsewhere (INBOX), a name is shown whole.
    chain = [SEPARATOR.join(levels[:depth]) for depth in range(1, len(levels))]
    chain = [one for one in chain if one in parents]
    above = chain[-1] + SEPARATOR if chain else ""
    return above, name.removeprefix(above), min(len(chain), DEEPEST)


def called(name: str, use: str) -> str:
    """What a mailbox is called: by its special use in the reader's language, else by its name."""
    return str(_LOOKS.get(SpecialUse(use), (name, ""))[0])


def _folder(row: MailboxRow, parents: Set[str], user_id: int) -> Folder:
    title, icon = _LOOKS.get(SpecialUse(row.special_use), (row.name, "folder"))
    name = str(title)
    above, leaf, depth = ("", name, 0) if row.special_use else _place(name, parents)
    return Folder(
        id=row.id,
        slug=row.special_use or str(row.id),
        name=name,
        above=above,
        leaf=leaf,
        depth=depth,
        icon=icon,
        special_use=row.special_use,
        messages=row.counters.messages,
        unseen=row.counters.unseen,
        path=row.name,
        owner_id=user_id,
        size=row.counters.size,
        modseq=row.counters.highestmodseq,
    )


def _of_owner(rows: list[SharedRow]) -> list[Folder]:
    """What one owner shares: the inbox is called as its owner is, and the rest stands below it."""
    rows = sorted(rows, key=lambda one: (one.row.name != INBOX, _levels(one.row.name)))
    parents = {one.row.name for one in rows if one.row.name != INBOX}
    has_inbox = rows[0].row.name == INBOX
    return [_shared(one, parents, has_inbox=has_inbox) for one in rows]


def _shared(one: SharedRow, parents: Set[str], *, has_inbox: bool) -> Folder:
    row, owner = one.row, one.owner_key
    if row.name == INBOX:
        name, above, leaf, depth, icon = owner, "", owner, 0, "users"
    else:
        within, leaf, depth = _place(row.name, parents)
        above = f"{owner}{SEPARATOR}{within}"
        name, icon = f"{owner}{SEPARATOR}{row.name}", "folder"
        depth = min(depth + has_inbox, DEEPEST)
        if not has_inbox and not depth:
            above, leaf = "", name  # nothing else says whose it is
    return Folder(
        id=row.id,
        slug=str(row.id),
        name=name,
        above=above,
        leaf=leaf,
        depth=depth,
        icon=icon,
        special_use=row.special_use,
        messages=row.counters.messages,
        unseen=row.counters.unseen,
        path=row.name,
        rights=one.rights,
        owner=owner,
        owner_id=one.owner_id,
        is_account=one.is_account,
        size=row.counters.size,
        modseq=row.counters.highestmodseq,
    )
