"""The console's menu: what each role finds there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from apps.directory.permissions import Ability, Powers


@dataclass(frozen=True, slots=True)
class Item:
    """A page of the menu.

    Args:
        key: what a page calls itself by (`nav` in its context).
        url: name of its address.
        needs: who has it nowhere does not see the page.
    """

    key: str
    url: str
    icon: str
    words: str
    needs: Ability | None = None


MENU: Final[tuple[tuple[str, tuple[Item, ...]], ...]] = (
    ("", (Item("dashboard", "console-dashboard", "layout-dashboard", "Dashboard"),)),
    (
        "Directory",
        (
            Item("domains", "console-domains", "globe", "Domains", Ability.SEE_DOMAINS),
            Item("users", "console-users", "users", "Users", Ability.SEE_USERS),
            Item(
                "aliases",
                "console-aliases",
                "at-sign",
                "Aliases and groups",
                Ability.SEE_DOMAINS,
            ),
            Item("shared", "console-shared", "share-2", "Shared mailboxes", Ability.SEE_USERS),
            Item(
                "organizations",
                "console-organizations",
                "layers",
                "Organisations",
                Ability.SEE_ORGANIZATIONS,
            ),
        ),
    ),
    (
        "Mail flow",
        (
            Item("trace", "console-trace", "search", "Message trace", Ability.TRACE_MAIL),
            Item("queue", "console-queue", "send", "Queue", Ability.RUN_QUEUE),
            Item(
                "quarantine",
                "console-quarantine",
                "shield-alert",
                "Quarantine",
                Ability.RUN_QUARANTINE,
            ),
            Item(
                "policies",
                "console-policies",
                "sliders-horizontal",
                "Policies",
                Ability.CHANGE_POLICIES,
            ),
        ),
    ),
    (
        "System",
        (
            Item("health", "console-health", "activity", "Health", Ability.MAKE_OPERATORS),
            Item("programs", "console-programs", "smartphone", "Programs", Ability.MAKE_OPERATORS),
            Item("audit", "console-audit", "history", "Audit log", Ability.READ_AUDIT),
            Item("tokens", "console-tokens", "plug", "API tokens"),
            Item("webhooks", "console-webhooks", "webhook", "Webhooks", Ability.RUN_WEBHOOKS),
        ),
    ),
)


def menu(powers: Powers) -> list[tuple[str, list[tuple[Item, str]]]]:
    """Groups of the menu with their items and addresses, as far as the powers reach."""
    found = [(head, list(_items(powers, items))) for head, items in MENU]
    return [(head, items) for head, items in found if items]


def _items(powers: Powers, items: tuple[Item, ...]) -> Iterator[tuple[Item, str]]:
    for item in items:
        if item.needs is None or powers.may(item.needs):
            yield item, reverse(item.url)
