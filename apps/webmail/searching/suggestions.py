"""What the search box offers while somebody types: people, operators and their values, places."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from apps.mime.searchtext import folded
from apps.search.language.lexing import Cutter, Kind, Piece
from apps.search.language.nodes import In, Label, Node, Text, Where
from apps.search.language.parsing import LENGTH_MAX, OPERATORS
from apps.search.language.writing import written
from apps.webmail.searching.looks import Looks, named
from apps.webmail.searching.people import people

PEOPLE: Final = 5
SHOWN: Final = 6
"""Values of an operator, and places."""
_PERSONS: Final = frozenset(("from", "to", "cc", "bcc"))
_NAMES: Final = frozenset(OPERATORS)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A line of the list.

    Args:
        text: what is offered, as people read it.
        hint: what will stand in the box for it.
        value: the whole query with it.
        is_begin: a value has to follow: the list goes on.
        person: for whom a picture is drawn; empty for an icon.
    """

    text: str
    hint: str
    value: str
    icon: str = "search"
    is_begin: bool = False
    person: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Suggestions of one kind."""

    name: str
    suggestions: tuple[Suggestion, ...]


@dataclass(frozen=True, slots=True)
class _Typed:
    """The end of what was typed.

    Args:
        before: all that stands before it, and stays.
        name: the operator it is a value of, or empty.
        word: the beginning of a word or value.
    """

    before: str
    name: str
    word: str

    def suggestion(self, text: str, node: Node, icon: str, person: str = "") -> Suggestion:
        put = written(node)
        return Suggestion(text, put, f"{self.before}{put} ", icon, person=person)


def suggestions(text: str, user_id: int, looks: Looks) -> list[Group]:
    """What may be meant by a query that is still being typed. Never more than a few lines."""
    typed = _end(text[:LENGTH_MAX])
    if typed.name in _PERSONS:
        kinds = [(_("People"), _people(typed, user_id, typed.name))]
    elif typed.name == "in":
        kinds = [(_("Folders"), _folders(typed, looks))]
    elif typed.name == "label":
        kinds = [(_("Labels"), _labels(typed, looks))]
    elif typed.name:
        kinds = [(_("Narrow with"), _values(typed))]
    else:
        kinds = [(_("Narrow with"), _operators(typed))]
        if typed.word:
            kinds += [
                (_("People"), _people(typed, user_id, "from")),
                (_("Folders and labels"), (_folders(typed, looks) + _labels(typed, looks))[:SHOWN]),
            ]
    return [Group(name, tuple(found)) for name, found in kinds if found]


def _end(text: str) -> _Typed:
    pieces = Cutter(text, _NAMES).pieces()
    last = pieces[-1] if pieces else None
    if last is None or (last.end < len(text) and not last.is_open):
        return _Typed(text, "", "")  # a blank follows: something new begins
    if last.kind is Kind.NAME:
        return _Typed(text[: last.start], last.text, "")
    if last.kind not in (Kind.WORD, Kind.PHRASE):
        return _Typed(text, "", "")
    if last.kind is Kind.PHRASE and not last.is_open:
        return _Typed(f"{text} ", "", "")
    owner = _operator_of(pieces, last)
    start = last.start if owner is None else owner.start
    return _Typed(text[:start], "" if owner is None else owner.text, last.text)


def _operator_of(pieces: Sequence[Piece], last: Piece) -> Piece | None:
    before = pieces[-2] if len(pieces) > 1 else None
    if before is not None and before.kind is Kind.NAME and before.end == last.start:
        return before
    return None


def _people(typed: _Typed, user_id: int, operator: str) -> list[Suggestion]:
    where = Where(operator)
    return [
        typed.suggestion(
            one.name or one.address, Text(where, one.address), "user", one.name or one.address
        )
        for one in people(user_id, typed.word, PEOPLE)
    ]


def _folders(typed: _Typed, looks: Looks) -> list[Suggestion]:
    wanted = folded(typed.word)
    found = [
        typed.suggestion(one.name, named(one), one.icon)
        for one in looks.folders.values()
        if _begins(one.name, wanted)
        or (one.special_use and one.special_use.startswith(typed.word.lower()))
    ]
    if typed.name and "anywhere".startswith(typed.word.lower()):
        found.append(typed.suggestion(_("All mail, Junk and Trash too"), In(""), "mail"))
    return found[:SHOWN]


def _labels(typed: _Typed, looks: Looks) -> list[Suggestion]:
    wanted = folded(typed.word)
    found = [
        typed.suggestion(label.name, Label(keyword), "tag")
        for keyword, label in looks.labels.items()
        if _begins(label.name, wanted) or _begins(keyword, wanted)
    ]
    return found[:SHOWN]


def _begins(name: str, wanted: str) -> bool:
    """Whether a word or level of a name begins so."""
    plain = folded(name)
    at = plain.find(wanted)
    while at > 0 and plain[at - 1].isalnum():
        at = plain.find(wanted, at + 1)
    return at >= 0


def _operators(typed: _Typed) -> list[Suggestion]:
    wanted = typed.word.lower()
    return [
        Suggestion(text, put, f"{typed.before}{put}", icon, is_begin=put.endswith(":"))
        for put, text, icon in _offered()
        if put.startswith(wanted)
    ][:SHOWN]


def _offered() -> list[tuple[str, str, str]]:
    """What is typed, in words, and its picture; the first ones stand under an empty box."""
    return [
        ("from:", pgettext("search", "a person who wrote"), "user"),
        ("has:attachment", _("with attachments"), "paperclip"),
        ("after:", pgettext("search", "a day or later"), "calendar"),
        ("is:unread", _("not read yet"), "mail"),
        ("in:", pgettext("search", "a folder"), "folder"),
        ("label:", pgettext("search", "a label"), "tag"),
        ("to:", pgettext("search", "a person who got it"), "users"),
        ("subject:", pgettext("search", "words of the subject"), "type"),
        ("body:", pgettext("search", "words of the text"), "file-text"),
        ("filename:", pgettext("search", "the name of a file, or its ending"), "file-text"),
        ("before:", pgettext("search", "a day before which it came"), "calendar"),
        ("on:", pgettext("search", "a day, a month or a year"), "calendar"),
        ("larger:", pgettext("search", "a size"), "hard-drive"),
        ("is:", pgettext("search", "read, starred, answered …"), "star"),
        ("has:", pgettext("search", "attachments or labels"), "paperclip"),
        ("cc:", pgettext("search", "a person in Cc"), "users"),
        ("bcc:", pgettext("search", "a person in Bcc"), "users"),
        ("smaller:", pgettext("search", "a size"), "hard-drive"),
        ("older_than:", pgettext("search", "an age, as in 6m"), "calendar"),
        ("newer_than:", pgettext("search", "an age, as in 7d"), "calendar"),
    ]


def _values(typed: _Typed) -> list[Suggestion]:
    wanted = typed.word.lower()
    make = _VALUES.get(typed.name)
    return [
        Suggestion(text, f"{typed.name}:{value}", f"{typed.before}{typed.name}:{value} ")
        for value, text in (make() if make else [])
        if value.startswith(wanted)
    ][:SHOWN]


def _days() -> list[tuple[str, str]]:
    today = timezone.localdate()
    return [
        ("today", _("today")),
        ("yesterday", _("yesterday")),
        (f"{today:%Y-%m}", _("this month")),
        (f"{today:%Y}", _("this year")),
        (f"{today.year - 1}", _("last year")),
    ]


def _ages() -> list[tuple[str, str]]:
    return [
        ("7d", _("7 days")),
        ("1m", _("one month")),
        ("6m", _("6 months")),
        ("1y", _("one year")),
    ]


def _sizes() -> list[tuple[str, str]]:
    return [("1M", _("1 MB")), ("5M", _("5 MB")), ("10M", _("10 MB")), ("100K", _("100 KB"))]


_VALUES: Final[dict[str, Callable[[], list[tuple[str, str]]]]] = {
    "is": lambda: [
        ("unread", _("not read yet")),
        ("starred", _("with a star")),
        ("answered", _("answered")),
        ("forwarded", _("forwarded")),
        ("read", _("read")),
        ("unanswered", _("not answered")),
    ],
    "has": lambda: [("attachment", _("with attachments")), ("label", _("with a label"))],
    "before": _days,
    "after": _days,
    "on": _days,
    "older_than": _ages,
    "newer_than": _ages,
    "larger": _sizes,
    "smaller": _sizes,
    "filename": lambda: [
        (".pdf", _("PDF")),
        (".jpg", _("pictures")),
        (".docx", _("documents")),
        (".xlsx", _("tables")),
        (".zip", _("archives")),
    ],
}
