"""The write door: what a user wants said, and the memory of whom it was said to."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import User
from apps.runtime.clock import now
from apps.runtime.rows import Values, fetch
from apps.sieve.models import Audience, Vacation, VacationSent
from apps.wire.errors import Refused

SUBJECT_MOST: Final = 200  # characters
TEXT_MOST: Final = 5_000  # characters
DAYS: Final = (1, 3, 7, 14, 30)
LATEST: Final = 4_102_444_800  # 2100-01-01: what is later was typed by mistake
_DAY: Final = 86_400

_ROWS: Final = Values("wanted", "user_id bigint, sender text, edition bigint, until bigint")
# A memory that reaches further than any of ours was written while a clock was wrong.
_CLAIM: Final = """
INSERT INTO sieve_vacationsent (user_id, sender, edition, at, until)
SELECT wanted.user_id, wanted.sender, wanted.edition, %s, wanted.until FROM {wanted}
WHERE 1 = 1
ORDER BY wanted.user_id, wanted.sender
ON CONFLICT (user_id, sender) DO UPDATE
SET edition = excluded.edition, at = excluded.at, until = excluded.until
WHERE sieve_vacationsent.edition <> excluded.edition
    OR sieve_vacationsent.until NOT BETWEEN %s AND %s
RETURNING user_id, sender"""


@dataclass(frozen=True, slots=True)
class Telling:
    """Somebody who is to be told; `sender` is an `Address.key`."""

    user_id: int
    sender: str
    edition: int
    days: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user wants said while away; `starts_at` and `ends_at` in Unix seconds, 0 for none."""

    is_on: bool
    starts_at: int = 0
    ends_at: int = 0
    subject: str = ""
    text: str = ""
    audience: str = Audience.EVERYONE
    outside_text: str = ""
    days: int = 7


def keep(*, user_id: int, wish: Wish) -> Vacation:
    """Keep it.

    Raises:
        Refused: with what is wrong, in words for the user.
    """
    wish = tidy(wish)
    with transaction.atomic():
        # Two tabs that save at once: the second waits here, and sees what the first one wrote.
        User.objects.select_for_update().filter(pk=user_id).first()
        row = Vacation.objects.filter(pk=user_id).first() or Vacation(user_id=user_id, edition=0)
        said = (row.subject, row.text, row.outside_text)
        is_new = said != (wish.subject, wish.text, wish.outside_text) or not row.edition
        found, _made = Vacation.objects.update_or_create(
            user_id=user_id, defaults={**asdict(wish), "edition": row.edition + is_new}
        )
        user = subjects.of_user(User.objects.get(pk=user_id))
        if row.is_on == wish.is_on:
            record("vacation.change", **user)
        elif wish.is_on:
            record("vacation.on", **user)
        else:
            record("vacation.off", **user)
    return found


def tidy(wish: Wish) -> Wish:
    """The same as it is kept; raise Refused, with what is wrong, in words for the user."""
    done = replace(
        wish,
        subject=" ".join(wish.subject.replace("\0", "").split()),
        text=_tidy(wish.text),
        outside_text=_tidy(wish.outside_text),
    )
    _check(done)
    return done


def turn_off(*, user_id: int) -> bool:
    """End the answers, and keep the words; whether they ran."""
    with transaction.atomic():
        changed = Vacation.objects.filter(pk=user_id, is_on=True).update(is_on=False)
        if changed:
            record("vacation.off", **subjects.of_user(User.objects.get(pk=user_id)))
    return bool(changed)


def claim(wanted: Sequence[Telling]) -> set[tuple[int, str]]:
    """Remember whom users tell, within the caller's transaction; those (user, sender) who have not
    been told already. Of two workers with mail of one sender one gets it."""
    rows = {
        (one.user_id, one.sender): [one.user_id, one.sender, one.edition, now() + one.days * _DAY]
        for one in wanted
    }
    if not rows:
        return set()
    at = now()
    parameters = [at, *Values.parameters(list(rows.values())), at, at + (max(DAYS) + 1) * _DAY]
    return {(user, sender) for user, sender in fetch(_CLAIM.format(wanted=_ROWS.sql), parameters)}


def prune() -> int:
    """Forget those who may be told again; how many."""
    return VacationSent.objects.filter(until__lt=now() - _DAY).delete()[0]


def _tidy(text: str) -> str:
    """As text of a form comes: its line ends made one, and no NUL, which Postgres refuses."""
    return "\n".join(line.rstrip() for line in text.replace("\0", "").splitlines()).strip()


def _check(wish: Wish) -> None:
    if wish.audience not in Audience.values:
        raise Refused("audience", text=_("Choose who gets a reply."))
    if wish.days not in DAYS:
        raise Refused("days", text=_("Choose how often one person gets a reply."))
    if len(wish.subject) > SUBJECT_MOST:
        words = _("The subject is too long: at most %(most)d characters.")
        raise Refused("subject", text=words % {"most": SUBJECT_MOST})
    if max(len(wish.text), len(wish.outside_text)) > TEXT_MOST:
        words = _("The message is too long: at most %(most)d characters.")
        raise Refused("text", text=words % {"most": TEXT_MOST})
    if not (0 <= wish.starts_at < LATEST and 0 <= wish.ends_at < LATEST):
        raise Refused("dates", text=_("There is no such date in this calendar."))
    if wish.ends_at and wish.ends_at <= wish.starts_at:
        raise Refused("dates", text=_("It must end after it starts."))
    if wish.is_on and not wish.text:
        raise Refused("text", text=_("Write what people are to be told."))
