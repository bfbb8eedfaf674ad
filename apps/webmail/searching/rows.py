"""Rows of results: what was looked for is marked wherever it is shown."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from apps.mailstore.filenames import file_names
from apps.mailstore.models import FLAG_FLAGGED, FLAG_SEEN, SpecialUse
from apps.mime import charset
from apps.mime.addresslist import mailboxes
from apps.search.finding.pages import Hit
from apps.search.finding.scope import Folder as Found
from apps.search.language.marking import sought
from apps.search.language.nodes import Query, Where
from apps.webmail.labels import LabelView
from apps.webmail.rows import moment, short
from apps.webmail.searching.excerpts import excerpts
from apps.webmail.searching.looks import Looks
from apps.webmail.searching.marks import has_any, marked

FILES_SHOWN = 3
_PEOPLE_MAX = 200  # characters of recipients that are shown
_RECIPIENTS_MAX = 2_000  # of them that are taken apart


@dataclass(frozen=True, slots=True)
class Result:
    """A message that was found.

    Args:
        ref: its name, `<mailbox id>.<uid>`.
        address: of its page, which leads back here; empty for what was deleted.
        who, subject, snippet, files: for the page, marked.
        more_files: how many more there are.
    """

    ref: str
    address: str
    person: str
    is_to: bool
    who: SafeString
    subject: SafeString
    plain_subject: str
    snippet: SafeString
    files: tuple[SafeString, ...]
    more_files: int
    place: str
    icon: str
    labels: tuple[LabelView, ...]
    at: datetime
    when: str
    is_unread: bool
    is_starred: bool
    has_attachments: bool

    @property
    def row_id(self) -> str:
        """Its name within the page."""
        return self.ref.replace(".", "-")


@dataclass(frozen=True, slots=True)
class _Needles:
    sender: tuple[str, ...]
    to: tuple[str, ...]
    subject: tuple[str, ...]
    body: tuple[str, ...]
    files: tuple[str, ...]


def names_of(hits: Collection[Hit]) -> dict[int, tuple[str, ...]]:
    """Names of the files in what was found, by message; one query, none without files."""
    return file_names([hit.row.message_id for hit in hits if hit.row.has_attachments])


def results(
    query: Query, hits: Sequence[Hit], names: Mapping[int, tuple[str, ...]], looks: Looks
) -> list[Result]:
    """Rows of hits. One query more at most, if there is something to look for in their texts.

    Args:
        names: of their files (`names_of`).
    """
    needles = _Needles(
        sought(query, Where.FROM),
        sought(query, Where.TO),
        sought(query, Where.SUBJECT),
        sought(query, Where.BODY),
        sought(query, Where.FILENAME),
    )
    wanted = {hit.row.message_id for hit in hits if _wants_text(hit, needles)}
    texts = excerpts(wanted, needles.body)
    return [
        _result(query, hit, needles, looks, names.get(hit.row.message_id, ()), texts)
        for hit in hits
    ]


def _wants_text(hit: Hit, needles: _Needles) -> bool:
    """Whether the begin of the text shows nothing of what was looked for."""
    return bool(needles.body) and not has_any(hit.row.preview, needles.body)


def _result(
    query: Query,
    hit: Hit,
    needles: _Needles,
    looks: Looks,
    names: Sequence[str],
    texts: Mapping[int, str],
) -> Result:
    row, folder = hit.row, hit.folder
    at = timezone.localtime(moment(row.internaldate))
    is_sent = folder.special_use in (SpecialUse.SENT, SpecialUse.DRAFTS)
    person, marks = _person(hit, needles, is_sent=is_sent)
    subject = row.subject or _("(no subject)")
    # A file with the name that was looked for is shown before others.
    files = sorted(names, key=lambda name: not has_any(name, needles.files))
    return Result(
        ref=f"{folder.id}.{row.uid}",
        address="" if folder.is_deleted else _address(query, folder, row.uid),
        person=person,
        is_to=is_sent and bool(row.recipients),
        who=marked(person, marks),
        subject=marked(subject, needles.subject),
        plain_subject=subject,
        snippet=marked(texts.get(row.message_id, row.preview), needles.body),
        files=tuple(marked(name, needles.files) for name in files[:FILES_SHOWN]),
        more_files=max(0, len(files) - FILES_SHOWN),
        place=looks.name(folder),
        icon=looks.icon(folder),
        labels=tuple(_labels(hit.keywords, looks)),
        at=at,
        when=short(at, timezone.localdate()),
        is_unread=not row.flags & FLAG_SEEN,
        is_starred=bool(row.flags & FLAG_FLAGGED),
        has_attachments=bool(row.has_attachments),
    )


def _person(hit: Hit, needles: _Needles, *, is_sent: bool) -> tuple[str, tuple[str, ...]]:
    """Who is shown, and what is marked there."""
    row = hit.row
    if is_sent and row.recipients:
        return _names(row.recipients, needles.to), needles.to
    name, sender = row.sender_name, row.sender_address
    if name and _stands_in_address(name, sender, needles.sender):
        return f"{name} <{sender}>", needles.sender
    return name or sender or _("(unknown sender)"), needles.sender


def _names(recipients: str, needles: Sequence[str]) -> str:
    """Names of those who got it; an address where there is no name, or where it was looked for."""
    found = []
    for box in mailboxes(recipients[:_RECIPIENTS_MAX].encode("utf-8", "replace")):
        name, local, host = (charset.decode(one or b"") for one in (box.name, box.local, box.host))
        at = f"{local}@{host}" if host else local
        is_sought = bool(name) and _stands_in_address(name, at, needles)
        found.append(f"{name} <{at}>" if is_sought else name or at)
    return (", ".join(filter(None, found)) or recipients)[:_PEOPLE_MAX]


def _stands_in_address(name: str, sender: str, needles: Sequence[str]) -> bool:
    """Whether what was looked for is only in the address, which is not shown else."""
    if not needles:
        return False
    return not has_any(name, needles) and has_any(sender, needles)


def _labels(keywords: Sequence[str], looks: Looks) -> list[LabelView]:
    return [found for one in keywords if (found := looks.label(one)) is not None]


def slug(folder: Found) -> str:
    """What stands for a folder in addresses."""
    own_use = "" if folder.owner_key else folder.special_use
    return own_use or str(folder.id)


def _address(query: Query, folder: Found, uid: int) -> str:
    return f"{reverse('message', args=[slug(folder), uid])}?{urlencode({'q': query.text})}"
