"""Delivery status notifications (RFC 3464, 6522, 6533): composed and parsed. Pure."""

from enum import StrEnum


class Action(StrEnum):
    """What became of a recipient (RFC 3464 section 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"  # handed to a server that does not report
    EXPANDED = "expanded"  # became several recipients
