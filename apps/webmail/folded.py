"""A folded message of a conversation as HTML: in Python, as rows of the list are
(`apps.webmail.drawing`), for there may be hundreds."""

from typing import Final

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from apps.ui.templatetags.ui import avatar, icon
from apps.webmail.drawing import beginning, clip_mark
from apps.webmail.thread import Message

_FOLDED: Final = (
    '<article class="msg msg--folded{unread}" id="m-{box}-{uid}" data-ref="{ref}"{mark}>'
    '<a class="msg--fold" href="{address}{query}" data-full data-open="{address}one/"'
    ' aria-expanded="false">{face}<bdi class="strong nowrap msg__name">{name}</bdi>{draft}'
    '<span class="trunc muted grow" dir="auto">{preview}</span>{clip}{star}'
    '<time class="tiny faint nowrap" datetime="{iso}">{when}</time></a></article>'
)
_MARK: Final = " data-draft"  # nothing in it is escaped
_DRAFT: Final = '<span class="badge badge--warn">{}</span>'
_STAR: Final = '<span class="t-star">{}<span class="vh">{}</span></span>'


def folded(message: Message, query: str) -> SafeString:
    """One of them: a link to its own page, which a script opens in place.

    Args:
        query: what the address ends with.
    """
    name = _("Me") if message.is_mine else message.name or _("(unknown sender)")
    star = icon("star", "i--sm i--fill")
    return format_html(
        _FOLDED,
        unread=" is-unread" if message.is_unread else "",
        box=message.head.mailbox_id,
        uid=message.uid,
        ref=message.ref,
        mark=_MARK if message.is_draft else "",
        address=f"{beginning(message.slug)}{message.uid}/",
        query=query,
        face=avatar(message.name),
        name=name,
        draft=format_html(_DRAFT, _("Draft")) if message.is_draft else "",
        preview=message.head.preview,
        clip=clip_mark() if message.head.has_attachments else "",
        star=format_html(_STAR, star, _("starred")) if message.is_starred else "",
        iso=timezone.localtime(message.at).isoformat(),
        when=message.when,
    )
