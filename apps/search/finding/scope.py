"""Which mailboxes a query looks at: what names and roles in it mean to one user.

Only mailboxes that the user may read are ever in here (right `r`, RFC 4314), so whatever a query
says, it finds nothing elsewhere.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from apps.mailstore import queries, recoverable, shares
from apps.mailstore.models import SpecialUse
from apps.mailstore.queries import MailboxRow
from apps.mime.searchtext import folded
from apps.runtime.rows import among, fetch, listed
from apps.search.language.nodes import (
    Every,
    Hint,
    In,
    Is,
    Label,
    Leaf,
    Mark,
    Node,
    Not,
    Query,
    Some,
)

_ROLES: Final = {
    "spam": SpecialUse.JUNK,
    "bin": SpecialUse.TRASH,
    "draft": SpecialUse.DRAFTS,
    **{use.value: use for use in SpecialUse if use is not SpecialUse.NONE},
}
_ASIDE: Final = frozenset((SpecialUse.JUNK, SpecialUse.TRASH))
_FORWARDED: Final = "$forwarded"
_ALL_UIDS: Final = 1 << 63  # nothing arrives in a mailbox that is deleted
_SYSTEM: Final = "$"  # $Junk, $MDNSent and friends are no labels
_KEYWORDS: Final = "SELECT id, mailbox_id, bit, name FROM mailstore_keyword WHERE "


@dataclass(frozen=True, slots=True)
class Folder:
    """A mailbox that may be searched.

    owner_key: the owner's address; empty for one's own.
    is_deleted: it is gone and can be brought back.
    uidnext: what it was when the search began.
    """

    id: int
    owner_id: int
    owner_key: str
    name: str
    special_use: str
    uidnext: int
    is_deleted: bool = False


class Keyword(NamedTuple):
    """One keyword of one mailbox."""

    id: int
    mailbox_id: int
    bit: int
    name: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Where one query looks.

    folders: by id, those that are searched.
    named: what each name of `in:` stands for: ids; the empty name for all.
    keywords: of these mailboxes.
    hints: names that nothing is called by.
    """

    folders: dict[int, Folder]
    named: dict[str, frozenset[int]]
    keywords: tuple[Keyword, ...]
    hints: tuple[Hint, ...]

    def owners(self) -> list[int]:
        """Whose mail it is."""
        return sorted({folder.owner_id for folder in self.folders.values()})

    def keyword_ids(self, leaf: Label | Is) -> list[int]:
        """The keywords that a label, or a mark that is kept as a keyword, stands for."""
        if isinstance(leaf, Is):
            return [one.id for one in self.keywords if one.name.lower() == _FORWARDED]
        if not leaf.name:
            return [one.id for one in self.keywords if not one.name.startswith(_SYSTEM)]
        wanted = folded(leaf.name)
        return [one.id for one in self.keywords if folded(one.name) == wanted]


def scope_of(query: Query, user_id: int, *, is_deleted: bool = False) -> Scope:
    """Where a query looks: all mail of the user and what others share, but for Junk and Trash
    unless the query names them. Two queries, a third if keywords matter.

    Args:
        is_deleted: what can be brought back is searched instead: expunged messages of the user's
            mailboxes, Junk and Trash among them, and mailboxes that were deleted.
    """
    folders = _deleted(user_id) if is_deleted else _live(user_id)
    leaves = query.leaves()
    named = {leaf.name: _meant(leaf.name, folders) for leaf in leaves if isinstance(leaf, In)}
    wanted = {name for factor in query.factors for name in _wanted(factor.node)}
    asked: set[int] = set().union(*(named[name] for name in wanted))
    searched = {
        folder.id: folder
        for folder in folders
        if is_deleted or folder.special_use not in _ASIDE or folder.id in asked
    }
    keywords = keywords_of(searched) if any(map(_needs_keywords, leaves)) else ()
    scope = Scope(searched, named, keywords, ())
    return Scope(searched, named, keywords, tuple(_hints(query, scope)))


def keywords_of(mailbox_ids: Collection[int]) -> tuple[Keyword, ...]:
    """The keywords of mailboxes, in the order of bits; one query."""
    rows = fetch(_KEYWORDS + among("mailbox_id"), [listed(list(mailbox_ids))])
    return tuple(sorted([Keyword(*row) for row in rows], key=lambda one: (one.mailbox_id, one.bit)))


def _live(user_id: int) -> list[Folder]:
    shared = [
        _folder(one.row, one.owner_id, one.owner_key)
        for one in shares.shared_with(user_id)
        if "r" in one.rights
    ]
    return _own(user_id) + shared


def _own(user_id: int) -> list[Folder]:
    return [_folder(row, user_id, "") for row in queries.mailboxes(user_id)]


def _folder(row: MailboxRow, owner_id: int, owner_key: str) -> Folder:
    return Folder(row.id, owner_id, owner_key, row.name, row.special_use, row.counters.uidnext)


def _deleted(user_id: int) -> list[Folder]:
    gone = [
        Folder(row.id, user_id, "", row.name, row.special_use, _ALL_UIDS, is_deleted=True)
        for row in recoverable.mailboxes(user_id)
    ]
    return _own(user_id) + gone


def _wanted(node: Node, *, is_denied: bool = False) -> Iterable[str]:
    """Names of mailboxes that something is looked for in."""
    match node:
        case In(name):
            if not is_denied:
                yield name
        case Not(one):
            yield from _wanted(one, is_denied=not is_denied)
        case Every(many) | Some(many):
            for one in many:
                yield from _wanted(one, is_denied=is_denied)


def _meant(name: str, folders: Collection[Folder]) -> frozenset[int]:
    """The mailboxes a name stands for: one's own so named, or with that role; else those whose last
    levels are called so; else those of others, by their names or by whose they are."""
    if not name:
        return frozenset(folder.id for folder in folders)
    wanted = folded(name).strip("/")
    use = _ROLES.get(name.lower())
    own = [folder for folder in folders if not folder.owner_key]
    others = [folder for folder in folders if folder.owner_key]
    choices = (
        [one for one in own if (use and one.special_use == use) or folded(one.name) == wanted],
        [one for one in own if _ends(one.name, wanted)],
        [one for one in others if folded(one.owner_key) == wanted or _ends(_whole(one), wanted)],
    )
    found: list[Folder] = next(filter(None, choices), [])
    return frozenset(folder.id for folder in found)


def _whole(folder: Folder) -> str:
    return f"{folder.owner_key}/{folder.name}"


def _ends(name: str, wanted: str) -> bool:
    return f"/{folded(name)}".endswith(f"/{wanted}")


def _needs_keywords(leaf: Leaf) -> bool:
    return isinstance(leaf, Label) or leaf == Is(Mark.FORWARDED)


def _hints(query: Query, scope: Scope) -> Iterable[Hint]:
    whole = 0, len(query.text)
    for name, ids in scope.named.items():
        if not ids and name:
            yield Hint("no-mailbox", f"There is no mailbox “{name[:100]}”.", *whole)
    for leaf in dict.fromkeys(query.leaves()):
        if isinstance(leaf, Label) and leaf.name and not scope.keyword_ids(leaf):
            words = f"No message that is searched has the label “{leaf.name[:100]}”."
            yield Hint("no-label", words, *whole)
