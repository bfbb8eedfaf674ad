"""The digest: a letter to a user about mail that is held back, or new in Junk.

`send_due` runs every quarter of an hour, and sends each user's digest once in its day or week, from
an hour on. What strangers wrote stands in it cut short, without what turns a line round, and so
that no mail program makes a link of it: the only links are ours, to pages that ask before they act.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string

from apps.delivery import ownletters
from apps.delivery.quoting import quoted
from apps.directory.models import User, UserState
from apps.mime.address import Address
from apps.runtime.clock import now, now_us
from apps.runtime.ulid import new_ulid
from apps.scan import digests, tokens
from apps.scan.digests import DAY_SECONDS, Content, Item
from apps.scan.services import digests as telling
from apps.ui.addresses import absolute
from apps.wire.errors import MailError, NotFound

logger = logging.getLogger(__name__)

RUN_SECONDS: Final = 120.0
"""After which a run begins no more: other housekeeping has its turn, and the next run goes on."""
SUBJECT_SHOWN: Final = 120  # characters
AUTHOR_SHOWN: Final = 100
WORDS_SHOWN: Final = 200
HELD: Final = (
    "held back",
    "Not put into your mailbox. You can have it, if you know what it is.",
)
JUNK: Final = (
    "new in Junk",
    "The filter took it for spam. It lies in your mailbox Junk.",
)
HARMFUL: Final = "It can do harm: only your administrator can release it."


@dataclass(frozen=True, slots=True)
class _Line:
    """One message as it is shown; `links` are (what it does, where)."""

    author: str
    subject: str
    words: str
    at: str
    links: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Section:
    title: str
    about: str
    items: tuple[_Line, ...]
    more: int


def send_due(at: int | None = None) -> int:
    """Send the digests that are due; returns how many letters went.

    Args:
        at: Unix seconds; None is now.
    """
    at = now() if at is None else at
    if at % DAY_SECONDS < settings.QUARANTINE_DIGEST_HOUR * 3600:
        return 0
    today = at // DAY_SECONDS
    monday = today - (today + 3) % 7  # the first of January 1970 was a Thursday
    end, sent = time.monotonic() + RUN_SECONDS, 0
    for user_id in digests.due(today, monday, settings.QUARANTINE_DIGEST):
        if time.monotonic() > end:
            break
        try:
            sent += send(digests.content(user_id), today)
        except MailError as error:
            logger.warning("a digest waits", extra={"user": user_id, "detail": error.detail})
        except Exception:
            # A user for whom none can be made must not stop the others.
            logger.exception("a digest cannot be made", extra={"user": user_id})
    return sent


def send(told: Content, today: int) -> bool:
    """Send one user's digest, unless there is nothing to tell or it was told; whether a letter
    went. A user who is suspended is told afterwards.

    Args:
        today: days since 1970-01-01 UTC.
    """
    account = User.objects.filter(pk=told.user_id, state=UserState.ACTIVE).first()
    recipients = () if account is None else ownletters.readers(account.address)
    if account is None or not recipients:
        return False
    address = Address.parse(account.address)
    letter_id, at_us, raw = new_ulid(), now_us(), b""
    if not told.is_empty:
        subject, text, html = compose(told, address)
        raw = ownletters.compose(
            to=address, subject=subject, text=text, html=html, letter_id=letter_id, at_us=at_us
        )
    with transaction.atomic():
        # What is empty is claimed too, or it would be looked at again all day.
        if not telling.claim(told, today) or not raw:
            return False
        ownletters.queue(raw, recipients, letter_id=letter_id, at_us=at_us)
    return True


def compose(told: Content, address: Address) -> tuple[str, str, str]:
    """Subject, text and HTML of a digest. Pure but for settings and the signatures of links."""
    counts = ((told.held_in_all, HELD[0]), (told.junk_in_all, JUNK[0]))
    subject = "Mail for you: " + ", ".join(f"{number} {what}" for number, what in counts if number)
    line = partial(_line, told.user_id)
    sections = [
        section
        for section in (
            _section(
                HELD, told.held, told.held_in_all, [line(one, "Release") for one in told.held]
            ),
            _section(
                JUNK, told.junk, told.junk_in_all, [line(one, "Not spam") for one in told.junk]
            ),
        )
        if section.items
    ]
    context = {
        "subject": subject,
        "address": address.display,
        "sections": sections,
        "days": settings.QUARANTINE_DAYS,
        "stop": _link("digests", tokens.of_digest(told.user_id)),
    }
    return subject, _text(context, sections), render_to_string("mail/digest.html", context)


def _section(
    what: tuple[str, str], items: Sequence[Item], in_all: int, lines: Sequence[_Line]
) -> _Section:
    return _Section(f"{in_all} {what[0]}", what[1], tuple(lines), in_all - len(items))


def _line(user_id: int, item: Item, release: str) -> _Line:
    where = _link("held", tokens.of_copy(user_id, item.trace_id))
    words = ("Look",) if item.is_dangerous else (release, "Block the sender")
    asks = ("", "?do=block")
    return _Line(
        author=quoted(item.author, AUTHOR_SHOWN) or "nobody",
        subject=quoted(item.subject, SUBJECT_SHOWN) or "(no subject)",
        words=f"{quoted(item.words, WORDS_SHOWN)}. {HARMFUL}"
        if item.is_dangerous
        else quoted(item.words, WORDS_SHOWN),
        at=datetime.fromtimestamp(item.at, UTC).strftime("%-d %B, %H:%M UTC"),
        links=tuple((word, where + ask) for word, ask in zip(words, asks, strict=False))
        if where
        else (),
    )


def _link(name: str, token: str) -> str:
    """The address of a page, "" where the web is off."""
    try:
        return absolute(name, token)
    except NotFound:
        return ""


def _text(context: dict[str, object], sections: Sequence[_Section]) -> str:
    lines = [
        f"For {context['address']}. Nothing happens to a message before you say so on",
        "its page.",
    ]
    for section in sections:
        lines += ["", "", section.title, "-" * len(section.title), section.about]
        for item in section.items:
            lines += ["", f"From:     {item.author}", f"Subject:  {item.subject}"]
            lines += [f"Received: {item.at}"]
            lines += [f"Why:      {item.words}"] if item.words else []
            for word, link in item.links:
                lines += [f"{word}:", f"    {link}"]
        if section.more:
            lines += ["", f"and {section.more} more, which are not listed here."]
    lines += ["", "", f"What is held back is deleted {context['days']} days after it came."]
    if context["stop"]:
        lines += ["How often this letter comes:", f"    {context['stop']}"]
    return "\n".join(lines) + "\n"
