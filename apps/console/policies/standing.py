"""What is set in a place, and what counts where nothing is: a few statements, however many domains
and users there are."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from apps.console.policies.fields import LIMITS, THRESHOLDS, Field, Own, shown, told
from apps.console.policies.places import Place, Rights
from apps.directory.models import SendLimit
from apps.scan import queries
from apps.scan.scopes import SERVER, Scope
from apps.scan.standings import USUAL, Limits

DEFAULT, SERVERS, DOMAINS, SETTING = "default", "installation", "domain", "setting"


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds of one field.

    Args:
        own: what is set here.
        wider: what counts without it, and `source`, whose that is.
        may: whether who looks may change it.
    """

    field: Field
    own: Own
    wider: Own
    source: str
    may: bool

    @property
    def text(self) -> str:
        return shown(self.field, self.own)

    @property
    def wider_text(self) -> str:
        """For the box that is empty."""
        return told(self.field, self.wider)

    @property
    def counts(self) -> str:
        """What counts in the end, in words."""
        return told(self.field, self.wider if self.own is None else self.own)

    @property
    def origin(self) -> str:
        """Whose value counts."""
        return "here" if self.own is not None else self.source


def of_place(place: Place, rights: Rights) -> dict[str, Standing]:
    """All fields of a place, in the order of the page."""
    found = dict(_thresholds(place, rights))
    if place.sends:
        found.update(_limits(place, rights))
    return found


def own_thresholds(scope: Scope) -> dict[str, Own]:
    """What is set for the filter in one scope, by the names of the fields."""
    return _named(queries.limits(scope))


def own_limits(place: Place) -> dict[str, Own]:
    """What is set for sending in one place."""
    row = SendLimit.objects.filter(domain=place.domain, user=place.user, organization=None).first()
    return {one.name: None if row is None else getattr(row, one.name) for one in LIMITS}


def _named(limits: Limits) -> dict[str, Own]:
    return {
        "junk": limits.junk,
        "refuse": limits.refuse,
        "hold": limits.hold,
        "filter": limits.is_off,
    }


def _thresholds(place: Place, rights: Rights) -> Mapping[str, Standing]:
    own = own_thresholds(place.scope)
    usual = _named(USUAL)
    levels: list[tuple[str, dict[str, Own]]] = []
    if place.user is not None and place.user.domain is not None:
        target = place.user.domain.alias_of_id or place.user.domain.pk
        levels.append((DOMAINS, own_thresholds(Scope(domain_id=target))))
    if place.kind != "server":
        levels.append((SERVERS, own_thresholds(SERVER)))
    found = {}
    for field in THRESHOLDS:
        set_in = ((source, values[field.name]) for source, values in levels)
        source, wider = next(
            ((source, value) for source, value in set_in if value is not None),
            (DEFAULT, usual[field.name]),
        )
        may = rights.limits if field.name == "hold" else rights.changes
        found[field.name] = Standing(field, own[field.name], wider, source, may)
    return found


def _limits(place: Place, rights: Rights) -> Mapping[str, Standing]:
    own = own_limits(place)
    is_user = place.user is not None
    return {
        field.name: Standing(
            field,
            own[field.name],
            getattr(settings, f"SEND_{field.name.upper()}") if is_user else 0,
            SETTING if is_user else DEFAULT,
            rights.limits and is_user,  # a domain's are set where its other sending is
        )
        for field in LIMITS
    }
