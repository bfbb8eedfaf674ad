"""Thunderbird's configuration file, format 1.1, which many mail programs read."""

from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from apps.ui.serversettings import Protocol, Server

_SOCKETS: Final = {"TLS": "SSL", "STARTTLS": "STARTTLS"}


def client_config(domain: str, servers: Sequence[Server]) -> bytes:
    """The file for a domain. The program puts the user's address in for its placeholder."""
    root = Element("clientConfig", version="1.1")
    provider = SubElement(root, "emailProvider", id=domain)
    for name in ("domain", "displayName", "displayShortName"):
        SubElement(provider, name).text = domain
    for server in servers:
        _add(provider, server)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _add(provider: Element, server: Server) -> None:
    is_outgoing = server.protocol is Protocol.SMTP
    element = SubElement(
        provider,
        "outgoingServer" if is_outgoing else "incomingServer",
        type=str(server.protocol),
    )
    fields = {
        "hostname": server.host,
        "port": str(server.port),
        "socketType": _SOCKETS[server.security],
        # In the clear within TLS. Programs that know SCRAM choose it by themselves.
        "authentication": "password-cleartext",
        "username": "%EMAILADDRESS%",
    }
    for name, text in fields.items():
        SubElement(element, name).text = text
