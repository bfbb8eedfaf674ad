"""What administrators do for people who are away: an absence reply, and the end of forwards.

Whoever writes to the person is told the reply, so its words are no secret of theirs. Mail is never
sent on to somebody by an administrator: that would be reading along.
"""

from dataclasses import replace

from django.db import transaction

from apps.directory.models import Kind, User
from apps.directory.permissions import Ability, Powers
from apps.directory.services import forwards
from apps.provisioning.administration.sight import demand_on, find_user
from apps.provisioning.notices import About, tell
from apps.sieve import queries
from apps.sieve import services as vacations
from apps.sieve.models import Audience
from apps.sieve.services import Wish
from apps.wire.errors import InvalidName, NotFound


def set_reply(
    *, powers: Powers, user_id: int, subject: str, text: str, starts_at: int, ends_at: int
) -> User:
    """Turn the absence reply of a person on, with these words for everybody who writes.

    Args:
        starts_at, ends_at: Unix seconds, 0 for at once and until it is turned off.

    Raises:
        NotFound, NotPermitted
        InvalidName: the user is no person.
        Refused: with what is wrong, in words for people.
    """
    user = _owner(powers, user_id)
    if user.kind != Kind.PERSON:
        raise InvalidName("reply", text="Only a person is away")
    known = queries.of_user(user.pk)
    wish = Wish(
        is_on=True,
        starts_at=starts_at,
        ends_at=ends_at,
        subject=subject,
        text=text,
        audience=known.audience,
        outside_text=known.outside_text,
        days=known.days,
    )
    if known.audience == Audience.SPLIT and not known.is_on:
        # What was once written for outside must not go out again unseen.
        wish = replace(wish, audience=Audience.EVERYONE)
    with transaction.atomic():
        vacations.keep(user_id=user.pk, wish=wish)
        tell(user, About.REPLY_CHANGED, detail="on")
    return user


def end_reply(*, powers: Powers, user_id: int) -> User:
    """Turn the absence reply off; its words stay.

    Raises:
        NotFound, NotPermitted
    """
    user = _owner(powers, user_id)
    with transaction.atomic():
        if vacations.turn_off(user_id=user.pk):
            tell(user, About.REPLY_CHANGED, detail="off")
    return user


def end_forward(*, powers: Powers, user_id: int, forward_id: int) -> str:
    """Let mail of a user no longer be sent on to an address; return that.

    Raises:
        NotFound: also for a forward of another user.
        NotPermitted
    """
    user = _owner(powers, user_id)
    row = next((one for one in forwards.living(user) if one.pk == forward_id), None)
    if row is None:
        raise NotFound("forward", text="There is no such forward any more")
    with transaction.atomic():
        forwards.remove(user=user, target=row.address)
        if user.kind == Kind.PERSON:
            tell(user, About.FORWARD_ENDED, detail=row.address)
    return row.address


def _owner(powers: Powers, user_id: int) -> User:
    user = find_user(powers, user_id)
    demand_on(powers, Ability.CHANGE_REPLIES, user)
    return user
