"""Which addresses events may be posted to. People of many tenants name them, so each is a way to
have this host ask its own neighbours: only https, no name without a dot, and only connections to
public addresses, checked where the connection is made. What an operator names for the installation
may stand in WEBHOOK_NETWORKS as well.
"""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from apps.remote.addresses import METADATA, is_public
from apps.remote.webfetch import Reaches
from apps.resolver.base import IPAddress
from apps.webhooks.models import MAX_URL
from apps.wire.errors import InvalidName

URL: Final = "url"  # the detail of what is raised here


def checked(text: str, *, is_installations: bool) -> str:
    """The URL of an endpoint.

    Raises:
        InvalidName: it is none to which events may be posted, and why.
    """
    text = text.strip()
    if not text or len(text) > MAX_URL or not text.isascii() or not text.isprintable():
        raise _wrong("A URL has up to 2,000 characters of ASCII: write other names as xn--…")
    if any(sign in text for sign in " \\<>\"'`^{|}"):
        raise _wrong("This URL has signs in it that none has: write them with %")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _wrong("This is no URL: one reads https://hooks.example.org/mail") from None
    if parts.scheme != "https" or not host:
        raise _wrong("A webhook has an https URL, such as https://hooks.example.org/mail")
    if parts.username is not None or parts.fragment or "#" in text or port == 0:
        raise _wrong("Leave user name, password and # out: the signature says who sends it")
    _demand_host(host, reach(is_installations=is_installations))
    return text


def _demand_host(host: str, reaches: Reaches) -> None:
    address = _address(host)
    if address is None and not _is_name(host):
        raise _wrong("The server has to have a full name of the internet, or a public address")
    if address is not None and not reaches(address):
        raise _wrong(f"{address} is no address of the public internet: name a server that is")


def _is_name(host: str) -> bool:
    """Whether a host is named as DNS does: what ends with a number would be an address to some."""
    labels = host.rstrip(".").split(".")
    return (
        len(labels) > 1
        and not labels[-1][:1].isdigit()
        and all(0 < len(one) <= 63 and one.replace("-", "a").isalnum() for one in labels)
    )


def _address(host: str) -> IPAddress | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def reach(*, is_installations: bool) -> Reaches:
    """Which addresses a connection may be made to."""
    return _reaches_ours if is_installations else is_public


def _reaches_ours(address: IPAddress) -> bool:
    if is_public(address):
        return True
    real = getattr(address, "ipv4_mapped", None) or address
    if real.is_link_local or real.is_multicast or real.is_unspecified or real in METADATA:
        return False
    return any(real in one for one in settings.WEBHOOK_NETWORKS)


def _wrong(text: str) -> InvalidName:
    return InvalidName(URL, text=text)
