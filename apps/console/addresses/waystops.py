"""The stops on a message's way, as pages draw them."""

from typing import Final

from apps.provisioning.administration.whereto import Stop, Way

_ICONS: Final = {
    "": "external-link",
    "outside": "external-link",
    "suspended": "pause",
    "user": "user",
    "alias": "at-sign",
    "return": "undo-2",
    "return_broken": "circle-x",
    "wildcard": "at-sign",
    "expression": "at-sign",
    "catch_all": "inbox",
    "relay_list": "server",
    "relay_asked": "server",
    "relay_any": "server",
    "routed": "ban",
    "role": "shield",
    "none": "circle-x",
}


def drawn(way: Way) -> list[tuple[Stop, str]]:
    """Each with its icon."""
    return [(stop, _ICONS.get(stop.rule, "circle-dot")) for stop in way.stops]
