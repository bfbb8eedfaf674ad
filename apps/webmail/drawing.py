"""Rows of the list as HTML.

In Python for their speed: a template of a row is forty nodes, and fifty rows of them were two
thirds of what a page cost the server. `format_html` escapes what it is given, as templates do.
"""

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from apps.ui.templatetags.ui import avatar, icon, tag
from apps.webmail.labels import LabelView
from apps.webmail.rows import Row
from apps.webmail.sent import Mark

_ROW: Final = """\
<article class="conv{unread}" id="c-{box}-{uid}" data-ref="{ref}" data-thread="{thread}"{current}>
  <span class="conv__av">{face}<input type="checkbox" class="cb" name="ref" value="{ref}"\
 form="bulk" aria-label="{pick}"></span>
  <div class="conv__main">
    <div class="conv__l1"><span class="conv__from trunc">{before}{who}</span>{count}\
<time class="conv__time" datetime="{iso}">{when}</time></div>
    <div class="conv__l2"><a class="conv__subj trunc grow" dir="auto" href="{address}">{subject}\
</a>{fate}{clip}{star}</div>
    <div class="conv__l3"><span class="trunc grow" dir="auto">{preview}</span></div>
    {extras}
  </div>
  <div class="conv__quick">{quick}</div>
</article>
"""
_COUNT: Final = '<span class="conv__n">{}{}<span class="vh"> {}</span></span>'
_STAR: Final = (
    '<button type="submit" form="bulk" name="one" value="{}:{}" class="conv__star{}"'
    ' aria-label="{}" aria-pressed="{}">{}</button>'
)
_QUICK: Final = (
    '<button type="submit" form="bulk" name="one" value="{}:{}"'
    ' class="btn btn--ghost btn--icon btn--sm" aria-label="{}" tabindex="-1">{}</button>'
)
_SNOOZE: Final = (
    '<button type="button" data-snooze class="btn btn--ghost btn--icon btn--sm" aria-label="{}"'
    ' tabindex="-1">{}</button>'
)
_FILE: Final = '<span class="chip chip--sm conv__file">{}<bdi class="trunc">{}</bdi></span>'
_LATER: Final = '<span class="chip chip--sm conv__later">{}{}</span>'
_MORE: Final = '<span class="tiny faint">+{}<span class="vh"> {}</span></span>'
_NEVER_SNOOZED: Final = frozenset({"drafts", "scheduled", "junk", "trash"})
_NOTHING: Final = format_html("{}", "")
_CURRENT: Final = format_html(' aria-current="{}"', "true")


def rows(found: Iterable[Row], *, special_use: str, query: str) -> SafeString:
    """Rows of a list, one after the other.

    Args:
        special_use: of the mailbox that the list is of.
        query: what addresses of messages end with.
    """
    pen = _Pen.of(special_use, query)
    return format_html_join("", "{}", ((pen.row(row),) for row in found))


def unread_mark(*, is_to: bool) -> SafeString:
    """For those who hear the page: what the others see in bold."""
    return format_html('<span class="vh">{} </span>', _("Unread") if is_to else _("Unread, from"))


@functools.lru_cache(maxsize=2_048)
def beginning(slug: str) -> str:
    """What addresses of a mailbox's messages begin with: to ask for each is slow."""
    return reverse("message", args=[slug, 0]).removesuffix("0/")


def clip_mark() -> SafeString:
    """That it has attachments."""
    return format_html(
        '<span class="faint">{}<span class="vh">{}</span></span>',
        icon("paperclip", "i--sm"),
        _("has attachments"),
    )


def fate(mark: Mark) -> SafeString:
    """What became of a message that was sent."""
    return format_html(
        '<span class="conv__fate t-{} tip" data-tip="{}">{}<span class="vh">{}</span></span>',
        mark.look,
        mark.word,
        icon(mark.icon, "i--sm"),
        mark.word,
    )


def labels(found: Iterable[LabelView]) -> SafeString:
    """The labels that a row has."""
    return format_html_join("", "{}", ((tag(one.name, one.hue),) for one in found))


@dataclass(frozen=True, slots=True)
class _Pen:
    """What all rows say, made once for the page. quick: verb, word and picture of each button."""

    query: str
    quick: tuple[tuple[str, str, SafeString], ...]
    unread: SafeString
    unread_to: SafeString
    to: SafeString
    clip: SafeString
    pick: str
    messages: str
    more_files: str
    star: str
    snooze: SafeString

    @classmethod
    def of(cls, special_use: str, query: str) -> Self:
        quick = []
        if special_use not in ("archive", "drafts", "scheduled"):
            quick.append(("archive", _("Archive"), icon("archive")))
        if special_use != "trash":
            quick.append(("trash", _("Move to Trash"), icon("trash-2")))
        if special_use == "snoozed":
            quick.append(("wake", _("Bring back now"), icon("inbox")))
        return cls(
            query=query,
            quick=tuple(quick),
            unread=unread_mark(is_to=False),
            unread_to=unread_mark(is_to=True),
            to=format_html('<span class="faint">{}</span> ', _("To:")),
            clip=clip_mark(),
            pick=_("Select %(subject)s"),
            messages=_("messages"),
            more_files=_("more files"),
            star=_("Star"),
            snooze=_NOTHING
            if special_use in _NEVER_SNOOZED
            else format_html(_SNOOZE, _("Snooze"), icon("clock")),
        )

    def row(self, row: Row) -> SafeString:
        ref = row.ref
        return format_html(
            _ROW,
            unread=" is-unread" if row.is_unread else "",
            box=row.mailbox_id,
            uid=row.uid,
            ref=ref,
            thread="" if row.thread_id is None else row.thread_id,
            current=_CURRENT if row.is_current else "",
            face=avatar(row.face),
            pick=self.pick % {"subject": row.subject[:80]},
            before=self._before(row),
            who=format_html_join(", ", "<bdi>{}</bdi>", ((one,) for one in row.who)),
            count=self._count(row),
            iso=row.iso,
            when=row.when,
            address=f"{beginning(row.slug)}{row.uid}/{self.query}",
            subject=row.subject,
            fate=fate(row.fate) if row.fate else "",
            clip=self.clip if row.has_attachments else "",
            star=self._star(row, ref),
            preview=row.preview,
            extras=self._extras(row) if row.labels or row.files or row.later else "",
            quick=format_html_join(
                "", _QUICK, ((verb, ref, word, sign) for verb, word, sign in self.quick)
            )
            + self.snooze,
        )

    def _before(self, row: Row) -> SafeString:
        if not row.is_to:
            return self.unread if row.is_unread else _NOTHING
        return self.unread_to + self.to if row.is_unread else self.to

    def _count(self, row: Row) -> SafeString:
        if not row.count:
            return _NOTHING
        return format_html(_COUNT, row.count, "+" if row.has_more else "", self.messages)

    def _star(self, row: Row, ref: str) -> SafeString:
        verb, look, pressed = ("unstar", " is-on", "true") if row.is_starred else ("star", "", "")
        sign = icon("star", "i--sm")
        return format_html(_STAR, verb, ref, look, self.star, pressed or "false", sign)

    def _extras(self, row: Row) -> SafeString:
        clip = icon("paperclip", "i--sm")
        more = format_html(_MORE, row.more_files, self.more_files) if row.more_files else ""
        later = format_html(_LATER, icon("clock"), row.later) if row.later else ""
        return format_html(
            '<div class="conv__l4">{}{}{}{}</div>',
            later,
            labels(row.labels),
            format_html_join("", _FILE, ((clip, name) for name in row.files)),
            more,
        )
