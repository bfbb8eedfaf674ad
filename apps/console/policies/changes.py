"""What a form of policies that was sent would change, whom it touches, and doing it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from apps.console.policies import fields
from apps.console.policies.fields import FIELDS, LIMITS, THRESHOLDS, Field, Own, WrongTextError
from apps.console.policies.places import Place
from apps.console.policies.standing import Standing
from apps.directory.models import Domain, User
from apps.directory.permissions import Powers
from apps.provisioning.administration import limits, policies
from apps.scan.models import Threshold
from apps.scan.services.thresholds import UNSET, Change, Points

_COLUMNS: Final = {"filter": "is_off"}


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that would be changed."""

    field: Field
    before: Own
    after: Own
    before_text: str
    after_text: str
    domains: int
    users: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that was sent: what people wrote, what of it cannot be, and what it asks for."""

    texts: Mapping[str, str]
    errors: Mapping[str, str]
    wanted: Mapping[str, Own]


def read(standings: Mapping[str, Standing], posted: Mapping[str, str]) -> Sent:
    """Read it. A field that is not in it stays as it is; so does what one may not change, and what
    says what its page showed, whatever somebody else has set meanwhile.

    Args:
        posted: with `reset`, the name of a field that shall go back to the wider value.
    """
    texts, errors, wanted = {}, {}, {}
    for name, standing in standings.items():
        text = standing.text
        if standing.may:
            text = posted.get(name, text).replace("\0", "").strip()[:100]
            text = "" if posted.get("reset") == name else text
        if text == posted.get(f"was-{name}", standing.text):
            text = standing.text
        texts[name] = text
        if text == standing.text:
            continue  # what is shown rounded stays as it is
        try:
            value = fields.read(standing.field, text)
        except WrongTextError as error:
            errors[name] = str(error)
        else:
            if value != standing.own or (value is None) != (standing.own is None):
                wanted[name] = value
    return Sent(texts, errors, wanted)


def differences(
    place: Place, standings: Mapping[str, Standing], wanted: Mapping[str, Own]
) -> list[Difference]:
    """What would be changed; two statements for each field."""
    found = []
    for name, value in wanted.items():
        known = standings[name]
        domains, users = _touched(place, name)
        found.append(
            Difference(
                known.field,
                known.own,
                value,
                known.counts,
                fields.told(known.field, known.wider if value is None else value),
                domains,
                users,
            )
        )
    return found


def _touched(place: Place, name: str) -> tuple[int, int]:
    """In how many domains and for how many users the value counts: those without their own."""
    domains = Domain.objects.filter(alias_of=None)
    users = User.objects.living()
    if place.user is not None:
        return 0, 1
    if place.domain is not None:
        domains = domains.filter(pk=place.domain.pk)
        users = users.filter(domain=place.domain)
    own = Threshold.objects.filter(**{f"{_COLUMNS.get(name, name)}__isnull": False})
    users = users.exclude(pk__in=own.filter(user__isnull=False).values("user"))
    if place.domain is None:
        theirs = own.filter(domain__isnull=False).values("domain")
        domains = domains.exclude(pk__in=theirs)
        users = users.exclude(domain__in=theirs)
    return domains.count(), users.count()


def apply(powers: Powers, place: Place, wanted: Mapping[str, Own]) -> None:
    """Set values in a place, by the doors. Raises: as they do."""
    points: dict[str, Points] = {}
    for one in THRESHOLDS:
        if one.name in wanted:
            value = wanted[one.name]
            points[_COLUMNS.get(one.name, one.name)] = UNSET if value is None else value
    if points:
        policies.set_thresholds(
            powers=powers,
            domain_id=None if place.domain is None else place.domain.pk,
            user_id=None if place.user is None else place.user.pk,
            wanted=Change(**points),  # type: ignore[arg-type]  # is_off is a truth by `fields.read`
        )
    counts = {
        one.name: None if (value := wanted[one.name]) is None else int(value)
        for one in LIMITS
        if one.name in wanted
    }
    if counts:
        limits.set_user(powers=powers, user_id=place.id, changes=counts)


def kept(place: Place, found: Sequence[Difference]) -> dict[str, Any]:
    """What has to be known to take it back."""
    return {
        "place": [place.kind, place.id],
        "values": [[one.field.name, one.before, one.after] for one in found],
    }


def still_so(
    standings: Mapping[str, Standing], values: Sequence[tuple[str, Own, Own]]
) -> dict[str, Own]:
    """Of changes those that nobody has changed since, with what was before."""
    return {
        name: before
        for name, before, after in values
        if name in FIELDS and name in standings and standings[name].own == after
    }
