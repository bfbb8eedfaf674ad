"""Which users are asked for, in which order."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone

from apps.api.users.forms import ADDRESS, IDLE, NAME
from apps.directory import choosing, permissions
from apps.directory.choosing import IDLE_SINCE, Choice
from apps.directory.models import User
from apps.directory.permissions import Powers
from apps.directory.written import stored_address
from apps.runtime.keyset import Column, Order
from apps.runtime.prefixes import beginning

BY_ADDRESS: Final = Order(Column("key", str))
_ORDERS: Final = {
    ADDRESS: BY_ADDRESS,
    NAME: Order(Column("name", str), Column("id")),
    IDLE: Order(Column("idle_since", datetime), Column("id")),
}


def chosen(powers: Powers, sought: Mapping[str, Any]) -> QuerySet[User]:
    """Those in sight that fit."""
    days = sought.get("idle_days")
    choice = Choice(
        text=sought.get("text", ""),
        domain=sought.get("domain"),
        role=sought.get("role", ""),
        has_factor=sought.get("has_factor"),
        state=sought.get("state", ""),
        kind=sought.get("kind", ""),
        idle_before=None if days is None else timezone.now() - timedelta(days=days),
    )
    found = choosing.chosen(powers, choice)
    if "address" in sought:
        found = found.filter(key=stored_address(sought["address"]))
    if "begins" in sought:
        found = found.filter(beginning("key", stored_address(sought["begins"])))
    if "organization" in sought:
        mine = permissions.organizations(powers).filter(pk=sought["organization"])
        found = found.filter(domain__organization__in=mine.values("pk"))
    return found


def in_order(found: QuerySet[User], sort: str) -> tuple[QuerySet[User], Order]:
    """The same with what the order asks for."""
    if sort == IDLE:
        found = found.annotate(idle_since=IDLE_SINCE)
    return found, _ORDERS[sort]
