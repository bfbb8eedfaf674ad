"""What folders and labels are called and look like where hits show them."""

from collections.abc import Mapping
from dataclasses import dataclass

from apps.search.finding.scope import Folder as Found
from apps.search.language.nodes import In
from apps.webmail.folders import Folder, Side
from apps.webmail.labels import LabelView, is_label, plain


@dataclass(frozen=True, slots=True)
class Looks:
    """Those of one person.

    folders: by id; those that are not in here (what was deleted) are called as they are.
    labels: by keyword, in lower case.
    """

    folders: Mapping[int, Folder]
    labels: Mapping[str, LabelView]

    @classmethod
    def of(cls, side: Side) -> "Looks":
        """As the side of the page shows them."""
        return cls(
            {one.id: one for one in side.all}, {one.keyword.lower(): one for one in side.labels}
        )

    def name(self, found: Found) -> str:
        """A folder's name; of a shared one with its owner."""
        known = self.folders.get(found.id)
        if known is not None:
            return known.name
        return f"{found.owner_key}/{found.name}" if found.owner_key else found.name

    def icon(self, found: Found) -> str:
        """A folder's picture."""
        known = self.folders.get(found.id)
        return known.icon if known else "folder"

    def label(self, keyword: str) -> LabelView | None:
        """The label that a keyword is; None for what programs note for each other."""
        known = self.labels.get(keyword.lower())
        return known or (plain(keyword) if is_label(keyword) else None)


def named(folder: Folder) -> In:
    """What finds this folder."""
    return place(folder.owner, folder.special_use, folder.path)


def place(owner: str, special_use: str, name: str) -> In:
    """What finds a folder: one's own with a role by that, another's by whose it is."""
    return In(f"{owner}/{name}" if owner else special_use or name)
