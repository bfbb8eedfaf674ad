"""Rows of results as HTML: in Python, as those of the list are (`apps.webmail.drawing`)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from apps.ui.templatetags.ui import avatar, icon
from apps.webmail.drawing import clip_mark, labels, unread_mark
from apps.webmail.searching.rows import Result

_ROW: Final = """\
<article class="conv sres{unread}" id="c-{row_id}" data-ref="{ref}" data-message>
  <span class="conv__av">{face}{tick}</span>
  <span class="sres__who conv__from trunc">{before}<bdi>{who}</bdi></span>
  <span class="sres__txt"><span class="sres__line">{subject}\
<span class="sres__snip trunc faint" dir="auto">{snippet}</span></span>{extras}</span>
  <span class="sres__place">{star}{clip}<span class="tag sres__box" title="{place}">{sign}\
<bdi class="trunc">{place}</bdi></span></span>
  <time class="sres__t conv__time" datetime="{iso}" title="{long}">{when}</time>
</article>
"""
_TICK: Final = (
    '<input type="checkbox" class="cb" name="ref" value="{}" form="bulk" aria-label="{}">'
)
_LINK: Final = '<a class="conv__subj sres__subj trunc" dir="auto" href="{}">{}</a>'
_NO_LINK: Final = '<span class="sres__subj trunc" dir="auto">{}</span>'
_FILE: Final = '<span class="chip chip--sm sres__file">{}<bdi class="trunc">{}</bdi></span>'


def rows(found: Iterable[Result]) -> SafeString:
    """Rows of a page of results, one after the other."""
    pen = _Pen.new()
    return format_html_join("", "{}", ((pen.row(row),) for row in found))


@dataclass(frozen=True, slots=True)
class _Pen:
    """What all rows say, made once for the page."""

    unread: SafeString
    unread_to: SafeString
    to: SafeString
    star: SafeString
    clip: SafeString
    file: SafeString
    pick: str
    more: str

    @classmethod
    def new(cls) -> Self:
        sign = icon("star", "i--sm i--fill")
        return cls(
            unread=unread_mark(is_to=False),
            unread_to=unread_mark(is_to=True),
            to=format_html('<span class="faint">{}</span> ', _("To:")),
            star=format_html(
                '<span class="t-star">{}<span class="vh">{}</span></span>', sign, _("starred")
            ),
            clip=clip_mark(),
            file=icon("file-text", "i--sm"),
            pick=_("Select %(subject)s"),
            more=_("+ %(number)s more"),
        )

    def row(self, row: Result) -> SafeString:
        unread = self.unread_to if row.is_to else self.unread
        return format_html(
            _ROW,
            unread=" is-unread" if row.is_unread else "",
            row_id=row.row_id,
            ref=row.ref,
            face=avatar(row.person),
            tick=self._tick(row) if row.address else "",
            before=format_html(
                "{}{}", unread if row.is_unread else "", self.to if row.is_to else ""
            ),
            who=row.who,
            subject=format_html(_LINK, row.address, row.subject)
            if row.address
            else format_html(_NO_LINK, row.subject),
            snippet=row.snippet,
            extras=self._extras(row) if row.files or row.labels else "",
            star=self.star if row.is_starred else "",
            clip=self.clip if row.has_attachments and not row.files else "",
            place=row.place,
            sign=icon(row.icon, "i--sm"),
            iso=row.at.isoformat(),
            long=date_format(row.at, "DATETIME_FORMAT"),
            when=row.when,
        )

    def _tick(self, row: Result) -> SafeString:
        return format_html(_TICK, row.ref, self.pick % {"subject": row.plain_subject})

    def _extras(self, row: Result) -> SafeString:
        more = self.more % {"number": row.more_files}
        return format_html(
            '<span class="row row--1 row--wrap">{}{}{}</span>',
            format_html_join("", _FILE, ((self.file, one) for one in row.files)),
            format_html('<span class="tiny faint">{}</span>', more) if row.more_files else "",
            labels(row.labels),
        )
