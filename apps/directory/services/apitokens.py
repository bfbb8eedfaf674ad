"""Tokens of the interface for programs: the only door through which they are issued, used and
revoked.

The text is shown once and never kept. A token never makes a stronger one: with `by`, scopes,
places, networks and last day stay within its own.
"""

import ipaddress
import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.directory import apitokens, subjects
from apps.directory.apitokens import HINT, SCOPES, KnownApiToken
from apps.directory.apppasswords import PROTOCOLS
from apps.directory.models import ApiToken, ApiTokenPlace, Domain, Kind, Organization, User
from apps.directory.permissions import Place
from apps.directory.services import credentials
from apps.directory.services.credentials import API_TOKEN, APP_PASSWORD
from apps.wire.errors import InvalidName, LimitReached, NotFound, NotPermitted

MAX_PLACES = 100
_OF_PROTOCOLS = {"imap": "mail:write", "pop3": "mail:write", "smtp": "send:write"}


def issue(
    *,
    user: User,
    name: str,
    scopes: Iterable[str],
    places: Sequence[Organization | Domain] | None = None,
    networks: Iterable[str] = (),
    expires_at: datetime | None = None,
    by: KnownApiToken | None = None,
) -> tuple[ApiToken, str]:
    """Make a token.

    Args:
        scopes: of `apitokens.SCOPES`.
        places: where it works; None is wherever its user may act.
        networks: addresses or networks from which it works; none is everywhere.
        expires_at: from then on it does not work any more.
        by: the token that asks for it, if one does.

    Returns:
        The row, and the token: the only time it is seen.

    Raises:
        InvalidName: the name, a scope, a place, a network or the day cannot be, or the user is no
            person.
        LimitReached: the user has 50, or there are too many places or networks.
        NotPermitted: it would reach further than the token that asks for it.
        NotFound: the user was removed meanwhile.
    """
    if user.kind != Kind.PERSON:
        raise InvalidName("token", text="Only a person has API tokens")
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidName("expiry", text="The last day of a token lies ahead")
    where = _places(places)
    row, text = _row(user, name, scopes, where, networks)
    row.expires_at = expires_at
    if by is not None:
        _demand_weaker(row, where, by)
    with transaction.atomic():
        if not User.objects.living().select_for_update(no_key=True).filter(pk=user.pk).exists():
            raise NotFound(f"user {user.pk}", text="This user is gone")
        credentials.insert(API_TOKEN, row)
        ApiTokenPlace.objects.bulk_create(
            ApiTokenPlace(token=row, organization_id=one.organization_id, domain_id=one.domain_id)
            for one in where or ()
        )
        record("apitoken.issue", **subjects.of_user(user), detail=_detail(row, places))
    return row, text


def _row(
    user: User,
    name: str,
    scopes: Iterable[str],
    where: Sequence[Place] | None,
    networks: Iterable[str],
) -> tuple[ApiToken, str]:
    """A token that is not stored yet, and its text."""
    text = apitokens.generate()
    row = ApiToken(
        user=user,
        name=credentials.name_of(API_TOKEN, name),
        digest=apitokens.digest(text),
        hint=text[-HINT:],
        scopes=" ".join(scopes_of(scopes)),
        is_bound=where is not None,
        networks=json.dumps(credentials.networks_of(API_TOKEN, networks)),
    )
    return row, text


def scopes_of(words: Iterable[str]) -> list[str]:
    """Scopes in their order; InvalidName if one is none, or there is none."""
    wanted = {word.strip().lower() for word in words}
    unknown = sorted(wanted.difference(SCOPES))
    if unknown:
        raise InvalidName("scopes", text=f"There is no scope {unknown[0][:40]}")
    if not wanted:
        raise InvalidName("scopes", text="A token has at least one scope")
    return [one for one in SCOPES if one in wanted]


def _places(places: Sequence[Organization | Domain] | None) -> list[Place] | None:
    if places is None:
        return None
    if not places:
        raise InvalidName("places", text="A token that is bound has at least one place")
    if len(places) > MAX_PLACES:
        raise LimitReached("places", text=f"A token has up to {MAX_PLACES} places")
    return [_place(one) for one in places]


def _place(where: Organization | Domain) -> Place:
    if isinstance(where, Organization):
        return Place(where.pk)
    if where.alias_of_id is not None:
        raise InvalidName("places", text=f"{where.name} is an alias: name the domain itself")
    return Place(None, where.pk, where.organization_id)


def demand_app_password(
    by: KnownApiToken,
    *,
    protocols: Iterable[str],
    networks: Iterable[str],
    expires_at: datetime | None,
) -> None:
    """Raise NotPermitted if an app password would open more, in more networks or for longer, than
    the token that asks for it: mail programs read and write all mail, and send.

    Args:
        protocols: of `PROTOCOLS`; none is all of them.
        networks: as `credentials.networks_of` takes them, which raises what is wrong with them.
    """
    for protocol in list(protocols) or PROTOCOLS:
        scope = _OF_PROTOCOLS[protocol]
        if not apitokens.allows(by.scopes, scope):
            raise NotPermitted("protocols", text=f"{protocol} needs a token with {scope}")
    _demand_as_bound(credentials.networks_of(APP_PASSWORD, networks), expires_at, by)


def _demand_weaker(row: ApiToken, places: Sequence[Place] | None, by: KnownApiToken) -> None:
    """Raise NotPermitted if a token would reach further than the one that asks for it."""
    for scope in row.scopes.split():
        if not apitokens.allows(by.scopes, scope):
            raise NotPermitted("scopes", text=f"This token cannot give out {scope}: it has it not")
    if by.places is not None and not _are_within(places, by.places):
        raise NotPermitted("places", text="This token gives out none for other places than its own")
    _demand_as_bound(json.loads(row.networks), row.expires_at, by)


def _demand_as_bound(
    networks: Sequence[str], expires_at: datetime | None, by: KnownApiToken
) -> None:
    if by.networks and not _are_inside(networks, by.networks):
        raise NotPermitted(
            "networks", text="This token gives out none for other networks than its own"
        )
    if by.expires_at is not None and (expires_at is None or expires_at > by.expires_at):
        raise NotPermitted("expiry", text="This token gives out none that outlives it")


def _are_within(places: Sequence[Place] | None, own: Sequence[Place]) -> bool:
    return places is not None and all(any(one.is_within(mine) for mine in own) for one in places)


def _are_inside(networks: Sequence[str], own: Sequence[str]) -> bool:
    return bool(networks) and all(any(_is_inside(one, mine) for mine in own) for one in networks)


def _is_inside(network: str, other: str) -> bool:
    inner, outer = ipaddress.ip_network(network), ipaddress.ip_network(other)
    if isinstance(inner, ipaddress.IPv4Network) and isinstance(outer, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, ipaddress.IPv6Network) and isinstance(outer, ipaddress.IPv6Network):
        return inner.subnet_of(outer)
    return False


def _detail(row: ApiToken, places: Sequence[Organization | Domain] | None) -> dict[str, object]:
    return {
        "name": row.name,
        "scopes": row.scopes,
        "places": "everywhere" if places is None else [str(one) for one in places],
        "networks": json.loads(row.networks),
        "expires_at": row.expires_at,
    }


def revoke(*, user: User, name: str) -> None:
    """Remove one token.

    Raises:
        NotFound: there is none of that name.
    """
    with transaction.atomic():
        credentials.revoke(API_TOKEN, user, name)
        record("apitoken.revoke", **subjects.of_user(user), detail={"name": name.strip()})


def revoke_all(*, user: User) -> int:
    """Remove all tokens of a user; return how many there were."""
    with transaction.atomic():
        if gone := credentials.revoke_all(API_TOKEN, user):
            record("apitoken.revoke", **subjects.of_user(user), detail={"all": gone})
    return gone


def note_use(known: KnownApiToken, address: str) -> None:
    """Note that it was used now from an address: once an hour, however many ask at once."""
    credentials.note_use(API_TOKEN, known.id, address)
