"""Outlook's question for the settings of an address, and the answer ([MS-OXDSCLI], "POX").

The question is a stranger's XML: no DTD and so no entities, bounded, and of all that is in it only
the address is read.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from apps.mime.address import Address, AddressError
from apps.runtime import clock
from apps.ui.serversettings import Protocol, Server

LARGEST: Final = 16 * 1024
"""Octets of a question; a usual one has 400."""

_DEEPEST: Final = 8
_ADDRESS_MAX: Final = 1024  # characters
_BASE: Final = "http://schemas.microsoft.com/exchange/autodiscover"
_ANSWER: Final = f"{_BASE}/responseschema/2006"
_SETTINGS: Final = f"{_BASE}/outlook/responseschema/2006a"
_INVALID: Final = "600"
_NO_SCHEMA: Final = "601"


class RequestError(ValueError):
    """The question cannot be answered.

    Args:
        code: as [MS-OXDSCLI] section 2.2.4.1.1.2.2 has it.
    """

    def __init__(self, text: str, code: str = _INVALID) -> None:
        super().__init__(text)
        self.code = code


def asked(body: bytes) -> Address:
    """The address that a question is about.

    Args:
        body: at most one octet more than `LARGEST`, which is how too much is seen.

    Raises:
        RequestError: it is none; the text is ours and quotes nothing.
    """
    if len(body) > LARGEST:
        raise RequestError("The request is too large")
    reader = _Reader()
    parser = DefusedXMLParser(target=reader, forbid_dtd=True)
    try:
        parser.feed(body)
        parser.close()
    except DefusedXmlException:
        raise RequestError("The request has a DTD or entities") from None
    except (ParseError, LookupError):  # LookupError: of an encoding
        raise RequestError("The request is not well-formed XML") from None
    except RequestError:
        raise
    except ValueError:
        raise RequestError("The request is not well-formed XML") from None
    if reader.schema not in ("", _SETTINGS):
        raise RequestError("The provider knows no such schema", _NO_SCHEMA)
    try:
        return Address.parse(reader.address.strip())
    except AddressError:
        raise RequestError("The request has no mail address") from None


class _Reader:
    """Takes two values out of what the parser finds."""

    def __init__(self) -> None:
        self.address = ""
        self.schema = ""
        self._names: list[str] = []

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        self._names.append(tag.rpartition("}")[2])
        if len(self._names) > _DEEPEST:
            raise RequestError("The request is nested too deeply")

    def end(self, _tag: str) -> None:
        self._names.pop()

    def data(self, text: str) -> None:
        match self._names:
            case ["Autodiscover", "Request", "EMailAddress"]:
                self.address = (self.address + text)[:_ADDRESS_MAX]
            case ["Autodiscover", "Request", "AcceptableResponseSchema"]:
                self.schema = (self.schema + text.strip())[:_ADDRESS_MAX]

    def close(self) -> None:
        """What the parser calls at the end."""


def answer(address: Address, servers: Sequence[Server]) -> bytes:
    """The settings of an address: of each protocol the better door, which is all that Outlook
    looks at."""
    root = Element("Autodiscover", xmlns=_ANSWER)
    response = SubElement(root, "Response", xmlns=_SETTINGS)
    account = SubElement(response, "Account")
    SubElement(account, "AccountType").text = "email"
    SubElement(account, "Action").text = "settings"
    seen: set[Protocol] = set()
    for server in servers:
        if server.protocol not in seen:
            seen.add(server.protocol)
            _add(account, server, str(address))
    return _written(root)


def _add(account: Element, server: Server, name: str) -> None:
    is_tls = server.security == "TLS"
    fields = {
        "Type": server.protocol.upper(),
        "Server": server.host,
        "Port": str(server.port),
        "DomainRequired": "off",
        "LoginName": name,
        "SPA": "off",  # NTLM, which there is not
        "SSL": "on" if is_tls else "off",
        "Encryption": "SSL" if is_tls else "TLS",  # TLS: STARTTLS
        "AuthRequired": "on",
    }
    if server.protocol is Protocol.SMTP:
        fields |= {"UsePOPAuth": "off", "SMTPLast": "off"}
    element = SubElement(account, "Protocol")
    for key, text in fields.items():
        SubElement(element, key).text = text


def refusal(error: RequestError) -> bytes:
    """What is answered in place of settings."""
    root = Element("Autodiscover", xmlns=_ANSWER)
    response = SubElement(root, "Response")
    moment = datetime.fromtimestamp(clock.now(), UTC)
    element = SubElement(response, "Error", Time=f"{moment:%H:%M:%S}", Id="0")
    SubElement(element, "ErrorCode").text = error.code
    SubElement(element, "Message").text = str(error)
    SubElement(element, "DebugData")
    return _written(root)


def _written(root: Element) -> bytes:
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written
