"""Every setting that mailhost reads from its environment: one table, read once, typed, checked.

This is the only module that looks at the process environment. A wrong value stops the start with
one sentence that names the setting, the value and what would be right. `python -m mailhost.env`
prints docs/settings.md from the same table, so the page cannot fall behind.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import os
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from apps.mime.address import AddressError, normalise_domain
from apps.reception import listform

ROOT = Path(__file__).resolve().parent.parent

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


class SettingError(Exception):
    """A value that cannot be used; its text is the one sentence for the administrator."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a door listens; `None` in place of an Endpoint means that the door is off."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: name, how to read it, the default as one would write it, what it is.

    What is secret is not quoted in the sentence about a wrong value: that goes to the journal.
    """

    name: str
    read: Callable[[str], Any]
    default: str
    help: str
    is_secret: bool = False


def text(value: str) -> str:
    return value


def path(value: str) -> Path:
    return (ROOT / value).resolve() if value else Path()


def integer(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(value)

    return read


def kept_days(value: str) -> int:
    """Days for which the audit log is kept: the database itself keeps it for thirty."""
    if value == "0" or (value.isascii() and value.isdigit() and 30 <= int(value) <= 36_500):
        return int(value)
    raise ValueError("a whole number from 30 to 36500, or 0")


def size(low: int) -> Callable[[str], int]:
    """Bytes, with an optional K, M or G (1024-based)."""

    def read(value: str) -> int:
        number, unit = (value[:-1], value[-1].upper()) if value[-1:].isalpha() else (value, "")
        factor = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(unit)
        if factor is None or not (number.isascii() and number.isdigit()):
            raise ValueError("a size in bytes, or with K, M or G, such as 50M")
        if int(number) * factor < low:
            raise ValueError(f"at least {low} bytes")
        return int(number) * factor

    return read


def choice(*words: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in words:
            raise ValueError("one of: " + ", ".join(words))
        return value

    return read


def boolean(value: str) -> bool:
    if value not in {"true", "false"}:
        raise ValueError("true or false")
    return value == "true"


def endpoint(value: str) -> Endpoint | None:
    if not value:
        return None
    host, colon, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        raise ValueError("host:port, such as 0.0.0.0:25, or empty to switch it off")
    return Endpoint(host or "0.0.0.0", int(port))  # noqa: S104 - the administrator wrote ":25"


def place(value: str) -> Endpoint | Path | None:
    """Where a server on this or another machine is asked; None: nowhere."""
    if value.startswith("/"):
        return Path(value)
    try:
        found = endpoint(value)
    except ValueError:
        found = Endpoint("", 0)
    if found and (found.host in {"", "0.0.0.0"} or any(map(str.isspace, found.host))):  # noqa: S104
        raise ValueError("host:port, the whole path of a socket, or empty for none")
    return found


def bearer(value: str) -> str:
    """A secret that stands in a header, long enough that nobody guesses it."""
    is_word = value.isascii() and value.isprintable() and not any(map(str.isspace, value))
    if value and not (is_word and 16 <= len(value) <= 500):
        raise ValueError("16 characters or more without blanks, or empty for none")
    return value


def networks(value: str) -> Networks:
    try:
        return tuple(ipaddress.ip_network(word) for word in value.replace(",", " ").split())
    except ValueError:
        raise ValueError("addresses or networks, such as 10.0.0.0/8, divided by commas") from None


def hostname(value: str) -> str:
    name = value or socket.gethostname()
    labels = name.rstrip(".").split(".")
    if len(name) > 253 or not all(
        0 < len(label) < 64 and label.isascii() and label.replace("-", "").isalnum()
        for label in labels
    ):
        raise ValueError("a host name of letters, digits and hyphens, such as mail.example.org")
    return name.rstrip(".").lower()


def words(value: str) -> tuple[str, ...]:
    return tuple(value.replace(",", " ").split())


def domains(value: str) -> tuple[str, ...]:
    """Words that are domains, as the DNS has them: A-labels in lower case."""
    try:
        return tuple(map(normalise_domain, words(value)))
    except AddressError:
        raise ValueError("domains such as example.org, divided by commas or blanks") from None


def secret_keys(value: str) -> tuple[str, ...]:
    """Keys of 32 bytes in base64, as words."""
    for word in words(value):
        try:
            size_of_key = len(base64.b64decode(word, validate=True))
        except ValueError:
            size_of_key = 0
        if size_of_key != 32:
            raise ValueError("32 random bytes in base64 (openssl rand -base64 32), or several such")
    return words(value)


def dns_lists(value: str) -> tuple[str, ...]:
    """Words of the form that `apps.reception.listform` reads."""
    for word in words(value):
        try:
            listform.parse(word)
        except listform.ListFormError as error:
            raise ValueError(f"lists such as zen.spamhaus.org=127.0.0.[2..11]*2: {error}") from None
    return words(value)


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def duration(low: int, high: int) -> Callable[[str], int]:
    """Seconds, from a number with s, m, h or d."""

    def read(value: str) -> int:
        number, unit = value[:-1], _UNITS.get(value[-1:])
        if unit is None or not (number.isascii() and number.isdigit()):
            raise ValueError("a time such as 30s, 10m, 4h or 5d")
        if not low <= int(number) * unit <= high:
            raise ValueError(f"a time from {low} s to {high} s")
        return int(number) * unit

    return read


def durations(value: str) -> tuple[int, ...]:
    read = duration(1, 7 * 86_400)
    found = tuple(read(word) for word in words(value))
    if not found or len(found) > 100:
        raise ValueError("times divided by spaces, such as 5m 15m 1h")
    return found


def servers(value: str) -> tuple[Endpoint, ...]:
    """IP addresses of name servers, each with an optional port."""
    return tuple(_server(word) for word in words(value))


def _server(word: str) -> Endpoint:
    with contextlib.suppress(ValueError):
        return Endpoint(str(ipaddress.ip_address(word.strip("[]"))), 53)
    found = endpoint(word)
    try:
        return Endpoint(str(ipaddress.ip_address(found.host)), found.port)  # type: ignore[union-attr]
    except ValueError:
        raise ValueError("IP addresses, each with an optional port, such as 127.0.0.1:53") from None


def addresses(value: str) -> tuple[str, ...]:
    """At most one IPv4 and one IPv6 address."""
    try:
        found = [ipaddress.ip_address(word) for word in words(value)]
    except ValueError:
        found = []
    if len(found) != len(words(value)) or len({one.version for one in found}) != len(found):
        raise ValueError("one IPv4 address, one IPv6 address, or both")
    return tuple(map(str, found))


def web_server(value: str) -> str:
    """The URL of a server's own root or a folder in it, without a slash at its end."""
    try:
        parts = urlsplit(value)
        is_right = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_right = False
    if value and (not is_right or "?" in value or "#" in value or any(map(str.isspace, value))):
        raise ValueError("a URL such as http://127.0.0.1:11333, or empty for none")
    return value.rstrip("/")


def url(*schemes: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value and value.partition(":")[0] not in schemes:
            raise ValueError("a URL that begins with " + " or ".join(f"{s}:" for s in schemes))
        return value

    return read


def doors(value: str) -> tuple[str, ...]:
    if not {"imap", "pop3", "smtp"}.issuperset(words(value)):
        raise ValueError("some of imap, pop3, smtp, or empty for none")
    return words(value)


def web_url(value: str) -> str:
    """An https URL without a user name or a fragment."""
    try:
        parts = urlsplit(value)
        is_right = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
        is_right = is_right and parts.username is None and not parts.fragment
    except ValueError:
        is_right = False
    if value and (not is_right or any(map(str.isspace, value))):
        raise ValueError("a URL that begins with https://, or empty for none")
    return value


def claim(value: str) -> str:
    if not value or not value.isprintable() or any(map(str.isspace, value)):
        raise ValueError("the name of a claim, such as email")
    return value


SETTINGS: tuple[Setting, ...] = (
    Setting("MAILHOST_DATA", path, "var", "Folder of all data: database, messages, keys, sockets."),
    Setting(
        "MAIL_HOSTNAME",
        hostname,
        "",
        "The name this host says in SMTP and in Received fields; it should be the name in the MX"
        " record and in the certificate. Empty: the machine's own name.",
    ),
    Setting("SMTP_LISTEN", endpoint, "127.0.0.1:2525", "Mail from other servers (port 25)."),
    Setting(
        "SUBMISSION_LISTEN", endpoint, "127.0.0.1:2587", "Submission with STARTTLS (port 587)."
    ),
    Setting(
        "SUBMISSIONS_LISTEN", endpoint, "127.0.0.1:2465", "Submission, implicit TLS (port 465)."
    ),
    Setting(
        "LMTP_LISTEN", endpoint, "127.0.0.1:2424", "LMTP, for trusted local senders (port 24)."
    ),
    Setting("IMAP_LISTEN", endpoint, "127.0.0.1:2143", "IMAP with STARTTLS (port 143)."),
    Setting("IMAPS_LISTEN", endpoint, "127.0.0.1:2993", "IMAP, implicit TLS (port 993)."),
    Setting("POP3_LISTEN", endpoint, "127.0.0.1:2110", "POP3 with STLS (port 110)."),
    Setting("POP3S_LISTEN", endpoint, "127.0.0.1:2995", "POP3, implicit TLS (port 995)."),
    Setting("WEB_LISTEN", endpoint, "127.0.0.1:8080", "Web pages (port 443)."),
    Setting(
        "WEB_TLS",
        choice("on", "off"),
        "on",
        "on: the web door speaks HTTPS and answers plain HTTP with a redirect. off: plain HTTP, for"
        " use behind a proxy named in TRUSTED_PROXIES.",
    ),
    Setting(
        "WEB_HOSTS",
        words,
        "",
        "Host names under which the web may be asked for, beside MAIL_HOSTNAME and localhost.",
    ),
    Setting(
        "CLEARTEXT_AUTH",
        choice("never", "loopback"),
        "never",
        "Whether passwords may be sent without TLS: never, or only from this machine.",
    ),
    Setting(
        "SECOND_FACTOR",
        choice("optional", "administrators", "everybody"),
        "optional",
        "Who has to have a second factor at the web: whoever wants, whoever holds a role, or"
        " everybody. A domain may ask for more. Whoever has to have one, or has one, uses app"
        " passwords in mail programs.",
    ),
    Setting(
        "PASSWORD_LENGTH",
        integer(8, 64),
        "10",
        "Fewest characters of a new password, 8 to 64; a domain may ask for more. There are no"
        " rules about kinds of characters, and passwords do not expire (NIST SP 800-63B).",
    ),
    Setting(
        "CHANNEL_BINDING",
        doors,
        "imap pop3",
        "Where SCRAM-SHA-256-PLUS is offered: imap, pop3, smtp (submission). Of Debian 12 mutt and"
        " NeoMutt cannot send where submission offers it: they choose it, and cannot do it.",
    ),
    Setting(
        "OAUTH_ISSUER",
        web_url,
        "",
        "Identity provider whose access tokens are taken for sign-in (OAUTHBEARER, XOAUTH2), as its"
        " tokens name it in `iss`, such as https://id.example.org/realms/mail.",
    ),
    Setting(
        "OAUTH_JWKS_URL",
        web_url,
        "",
        "Where its public keys are: tokens are JWTs (RFC 9068) that are checked here.",
    ),
    Setting(
        "OAUTH_INTROSPECTION_URL",
        web_url,
        "",
        "Where it is asked about each token instead (RFC 7662). One of the two URLs, not both.",
    ),
    Setting(
        "OAUTH_CLIENT_ID", text, "", "Name under which it knows us when it is asked about tokens."
    ),
    Setting("OAUTH_CLIENT_SECRET", text, "", "The secret that goes with it.", is_secret=True),
    Setting(
        "OAUTH_AUDIENCE",
        text,
        "",
        "What tokens for us have in `aud`. Needed with OAUTH_JWKS_URL: a token for another service"
        " must not open mailboxes.",
    ),
    Setting("OAUTH_SCOPE", text, "", "Scope that a token must have. Empty: none is asked for."),
    Setting(
        "OAUTH_USER_CLAIM",
        claim,
        "email",
        "Claim of a token that is its user's address here. Choose one that users cannot set"
        " themselves.",
    ),
    Setting(
        "TLS_CERT",
        path,
        "",
        "Certificate chain (PEM), or a folder with one NAME.pem (chain and key) per host name for"
        " SNI. Empty: a self-signed certificate is made in MAILHOST_DATA/tls.",
    ),
    Setting("TLS_KEY", path, "", "Private key (PEM) of TLS_CERT; empty when TLS_CERT is a folder."),
    Setting(
        "TRUSTED_PROXIES",
        networks,
        "",
        "Proxies and balancers whose X-Forwarded-For and PROXY headers are believed.",
    ),
    Setting(
        "MESSAGE_SIZE_LIMIT", size(64 * 1024), "50M", "Largest message, in bytes (RFC 1870 SIZE)."
    ),
    Setting(
        "CONNECTIONS_PER_ADDRESS",
        integer(1, 100_000),
        "50",
        "Connections that have not signed in, per client address and door; /64 for IPv6.",
    ),
    Setting(
        "IMAP_UNAUTHENTICATE",
        boolean,
        "true",
        "Whether an IMAP client may sign out and somebody else sign in on the same connection."
        " false where a proxy in front lets a connection through unchecked after its sign-in.",
    ),
    Setting(
        "CONNECTIONS_PER_USER", integer(1, 100_000), "100", "IMAP and POP3 connections per user."
    ),
    Setting("CONNECTIONS_TOTAL", integer(10, 1_000_000), "10000", "Connections per process."),
    Setting(
        "DEFAULT_QUOTA",
        size(0),
        "0",
        "Space of a new user in bytes, or with K, M, G; 0 is no limit.",
    ),
    Setting(
        "DATABASE_URL",
        url("sqlite", "postgres", "postgresql"),
        "",
        "Database. Empty: SQLite in MAILHOST_DATA. Or postgres://user:password@host/name.",
    ),
    Setting(
        "REDIS_URL",
        url("redis", "rediss", "unix"),
        "",
        "Redis for jobs, events, limits and cache. Empty: files and sockets in MAILHOST_DATA.",
    ),
    Setting(
        "BLOB_URL",
        url("file", "s3"),
        "",
        "Large messages. Empty: files in MAILHOST_DATA/blobs. Or file:/a/folder, or"
        " s3://bucket/prefix?endpoint=https://host&region=name (credentials from AWS_* variables).",
    ),
    Setting(
        "DNS_SERVERS",
        servers,
        "",
        "Name servers, as addresses with optional ports. Empty: those of /etc/resolv.conf.",
    ),
    Setting(
        "DNS_CHECK_RESOLVERS",
        servers,
        "",
        "Name servers that are asked how the records of our domains look from elsewhere, beside"
        " each domain's own, such as 1.1.1.1 9.9.9.9. Empty: DNS_SERVERS.",
    ),
    Setting(
        "DNS_OUT_PORT",
        integer(1, 65535),
        "53",
        "Port of the name servers of our domains' zones, which are asked for their records.",
    ),
    Setting(
        "DNSSEC_TRUST",
        choice("loopback", "always", "never"),
        "loopback",
        "When a name server's word that an answer was validated (the AD bit) is believed; DANE"
        " needs it. loopback: only from a validating resolver on this machine; always: the way to"
        " the name servers is trusted; never: no DANE.",
    ),
    Setting(
        "SMTP_TRUSTED",
        networks,
        "",
        "Hosts of our own that hand mail on to us (backup MX, gateway, monitoring): what they bring"
        " is neither refused nor delayed for what others say of its sender.",
    ),
    Setting(
        "DNS_BLOCK_LISTS",
        dns_lists,
        "",
        "DNS lists of addresses that no mail is taken from, such as"
        " zen.spamhaus.org=127.0.0.[2..11]*2; docs/reception.md has the form.",
    ),
    Setting(
        "DNS_BLOCK_THRESHOLD",
        integer(1, 1_000),
        "1",
        "Weight of all block lists together from which mail is refused; less is a suspicion.",
    ),
    Setting(
        "DNS_ALLOW_LISTS",
        dns_lists,
        "",
        "DNS lists of addresses that no block list, no limit on messages and no greylisting holds"
        " up.",
    ),
    Setting(
        "EARLY_TALKERS",
        choice("note", "refuse"),
        "note",
        "Servers that speak before they are greeted: note is a suspicion, refuse takes no mail from"
        " them.",
    ),
    Setting(
        "GREETING_DELAY",
        duration(0, 30),
        "0s",
        "How long strangers wait for the greeting on SMTP_LISTEN, to see who speaks before it.",
    ),
    Setting(
        "RECEIVE_CONNECTIONS_PER_MINUTE",
        integer(0, 100_000_000),
        "120",
        "Connections on SMTP_LISTEN from one address (a /64 for IPv6); its network (a /24, a /48)"
        " may make four times as many. Private addresses and SMTP_TRUSTED are not counted, here and"
        " below. 0 is no limit.",
    ),
    Setting("RECEIVE_CONNECTIONS_PER_HOUR", integer(0, 100_000_000), "3000", "The same per hour."),
    Setting(
        "RECEIVE_MESSAGES_PER_MINUTE",
        integer(0, 100_000_000),
        "300",
        "Messages from one address, and four times as many from its network.",
    ),
    Setting("RECEIVE_MESSAGES_PER_HOUR", integer(0, 100_000_000), "6000", "The same per hour."),
    Setting(
        "RECEIVE_RECIPIENTS_PER_MINUTE",
        integer(0, 100_000_000),
        "600",
        "Recipients of these messages.",
    ),
    Setting("RECEIVE_RECIPIENTS_PER_HOUR", integer(0, 100_000_000), "12000", "The same per hour."),
    Setting(
        "RECEIVE_UNKNOWN_PER_HOUR",
        integer(0, 100_000_000),
        "50",
        "Recipients that do not exist, per hour and address; whoever tries more of them, and more"
        " than it brings mail for, is cut off for the time. 0 is no limit.",
    ),
    Setting(
        "RECEIVE_MESSAGES_PER_USER",
        integer(0, 100_000_000),
        "1000",
        "Messages per hour that strangers may bring for one mailbox, and a quarter of them from one"
        " network; others are asked to come back. 0 is no limit.",
    ),
    Setting(
        "API_REQUESTS_PER_MINUTE",
        integer(0, 1_000_000),
        "1200",
        "Requests that one token may send to the interface for programs within a minute; each"
        " answer says how many are left. 0 is no limit.",
    ),
    Setting(
        "ARC_TRUSTED_SEALERS",
        domains,
        "google.com messagingengine.com ietf.org",
        "Domains whose word counts that a message they hand on was genuine when it came to them"
        " (ARC): mailing lists and forwarders.",
    ),
    Setting(
        "DMARC_REPORTS",
        boolean,
        "true",
        "Whether domains that ask for them are sent daily reports on mail in their name.",
    ),
    Setting(
        "REPORTS_DAYS",
        integer(0, 3650),
        "90",
        "Days for which the reports are kept that others send on mail (DMARC) and TLS of our"
        " domains; 0: they are not read.",
    ),
    Setting(
        "AUDIT_DAYS",
        kept_days,
        "730",
        "Days for which the record of what administrators did is kept; 0: for ever.",
    ),
    Setting(
        "GREYLIST_SECONDS",
        integer(1, 86_400),
        "300",
        "How long doubtful mail is asked to wait before it is taken, where a domain greylists.",
    ),
    Setting(
        "REJECTS_DAYS",
        integer(0, 365),
        "14",
        "Days for which the headers of refused mail are kept for the user it was refused for; 0:"
        " none.",
    ),
    Setting(
        "SCAN_WAIT_SECONDS",
        integer(0, 60),
        "10",
        "How long the door for other servers waits for the verdict on a message, so that clear spam"
        " and viruses are refused before they are ours; 0: it never waits, and they go to Junk and"
        " quarantine.",
    ),
    Setting(
        "SCAN_WAIT_MOST",
        integer(1, 100_000),
        "100",
        "With so many messages waiting for their verdicts in one process, others are taken at"
        " once.",
    ),
    Setting(
        "URL_BLOCK_LISTS",
        dns_lists,
        "",
        "DNS lists of domains in links, with the answers that count, such as"
        " dbl.example.org=127.0.1.[2..99]*4 (points behind the star).",
    ),
    Setting(
        "RSPAMD_URL",
        web_server,
        "",
        "An rspamd that is asked about each message, such as http://127.0.0.1:11333; empty: none.",
    ),
    Setting(
        "SPAMD",
        place,
        "",
        "A SpamAssassin (spamd) that is asked: host:port, or the path of its socket; empty: none.",
    ),
    Setting(
        "CLAMD",
        place,
        "",
        "A ClamAV (clamd) that is asked: host:port, or the path of its socket; empty: none.",
    ),
    Setting(
        "SCANNERS_DEAD",
        choice("mark", "defer"),
        "mark",
        "When a scanner that is set does not answer: `mark` delivers the message and says so in it,"
        " `defer` lets it wait in the queue until the scanner is back.",
    ),
    Setting(
        "QUARANTINE_DAYS",
        integer(1, 3650),
        "30",
        "Days for which mail in quarantine can still be released.",
    ),
    Setting(
        "UNDELETE_DAYS",
        integer(1, 3650),
        "30",
        "Days for which expunged messages and deleted mailboxes can be brought back.",
    ),
    Setting(
        "SEARCH_INDEX",
        boolean,
        "true",
        "Whether an index of all text is kept, so that searches need not read the mail.",
    ),
    Setting(
        "QUARANTINE_DIGEST",
        choice("never", "daily", "weekly"),
        "daily",
        "How often users are told what of their mail is in quarantine or new in Junk.",
    ),
    Setting(
        "QUARANTINE_DIGEST_HOUR",
        integer(0, 23),
        "6",
        "The hour, UTC, from which they are told; weekly digests go on Mondays.",
    ),
    Setting("SMTP_OUT_PORT", integer(1, 65535), "25", "Port of other mail servers."),
    Setting(
        "HTTPS_OUT_PORT",
        integer(1, 65535),
        "443",
        "Port of the web servers that other domains publish their MTA-STS policies on.",
    ),
    Setting(
        "SMTP_OUT_PRIVATE",
        boolean,
        "false",
        "true: mail may be delivered to servers on private and loopback addresses too (never to"
        " link-local ones, where clouds have their metadata).",
    ),
    Setting(
        "SMTP_OUT_ADDRESS",
        addresses,
        "",
        "Source addresses of outgoing connections: one IPv4, one IPv6, or both. Empty: the"
        " system's choice.",
    ),
    Setting(
        "SMTP_OUT_IPV6", boolean, "true", "false: other mail servers are reached over IPv4 only."
    ),
    Setting(
        "EXTRA_CA",
        path,
        "",
        "Certificates (PEM) of authorities to trust beside the system's, when other servers are"
        " verified.",
    ),
    Setting(
        "OUT_CONNECTIONS",
        integer(1, 10_000),
        "100",
        "Outgoing connections of one worker at a time.",
    ),
    Setting(
        "OUT_CONNECTIONS_PER_DESTINATION",
        integer(1, 1_000),
        "20",
        "Most connections to one destination; it begins with 2 and rises while all goes well.",
    ),
    Setting(
        "OUT_RATE_PER_DESTINATION",
        integer(0, 1_000_000),
        "0",
        "Messages per minute to one destination, for each process that sends; a sixth of them may"
        " go at once. 0 is no limit.",
    ),
    Setting(
        "RETRY_SCHEDULE",
        durations,
        "1m 5m 10m 20m 40m 1h 2h 4h",
        "Pauses between the tries of a delivery; the last one repeats. Each varies by a fifth.",
    ),
    Setting(
        "WARN_AFTER",
        duration(1, 30 * 86_400),
        "4h",
        "When the sender of mail that still waits is told.",
    ),
    Setting(
        "BOUNCE_AFTER",
        duration(1, 60 * 86_400),
        "5d",
        "When mail that could not be delivered goes back to its sender.",
    ),
    Setting(
        "SEND_MESSAGES_PER_HOUR",
        integer(0, 100_000_000),
        "300",
        "Messages a user may send per hour; 0 is no limit. Users, domains and organisations may"
        " have limits of their own.",
    ),
    Setting("SEND_MESSAGES_PER_DAY", integer(0, 100_000_000), "2000", "The same per day."),
    Setting(
        "SEND_RECIPIENTS_PER_HOUR",
        integer(0, 100_000_000),
        "500",
        "Recipients a user may write to per hour, each recipient of each message counted.",
    ),
    Setting("SEND_RECIPIENTS_PER_DAY", integer(0, 100_000_000), "3000", "The same per day."),
    Setting(
        "SEND_RECIPIENTS_PER_MESSAGE",
        integer(1, 1_000),
        "200",
        "Recipients of one message that a user sends, at most 1,000.",
    ),
    Setting(
        "HIDE_CLIENT_ADDRESS",
        boolean,
        "true",
        "true: the Received field of submitted mail does not tell where its sender sits.",
    ),
    Setting(
        "ENCRYPTION_KEY",
        secret_keys,
        "",
        "Keys (32 random bytes each, base64) under which private keys and passwords of other"
        " servers are kept encrypted; the first encrypts, all decrypt. Empty: made at first start"
        " in MAILHOST_DATA.",
        is_secret=True,
    ),
    Setting(
        "SESSION_IDLE_HOURS",
        integer(1, 720),
        "12",
        "Hours without a page after which a browser is signed out that was not asked to stay.",
    ),
    Setting(
        "SESSION_HOURS",
        integer(1, 720),
        "24",
        "Hours after the sign-in when such a browser is signed out, used or not.",
    ),
    Setting(
        "SESSION_DAYS",
        integer(1, 365),
        "30",
        'Days after the sign-in when a browser is signed out that was asked to stay ("Keep me'
        ' signed in on this device").',
    ),
    Setting(
        "REMOTE_IMAGES",
        choice("on", "off"),
        "on",
        "Whether readers may load pictures from outside into their mail. This host fetches them,"
        " when a reader asks; the sender sees this host's address, never the reader's.",
    ),
    Setting(
        "ACT_AS_USER",
        boolean,
        "false",
        "Whether operators and domain administrators may look as a user. It is recorded, and shown"
        " to the user.",
    ),
    Setting(
        "RUN_AS",
        text,
        "",
        "User to become when `serve` is started by root, once its ports are open. Empty: stay.",
    ),
    Setting("SECRET_KEY", text, "", "Signing key. Empty: made at first start in MAILHOST_DATA."),
    Setting(
        "WEBHOOK_NETWORKS",
        networks,
        "",
        "Private networks in which webhooks of the whole installation may be, such as"
        " 10.0.0.0/8; those of organisations and domains are at public addresses only.",
    ),
    Setting(
        "METRICS_NETWORKS",
        networks,
        "127.0.0.0/8 ::1/128",
        "Addresses and networks from which /metrics of the web door is read without a token, by"
        " Prometheus. What comes through a proxy is not, wherever it comes from. Empty: none.",
    ),
    Setting(
        "METRICS_TOKEN",
        bearer,
        "",
        "Token with which /metrics is read from anywhere (Authorization: Bearer), 16 characters or"
        " more. Empty: none.",
        is_secret=True,
    ),
    Setting("LOG_LEVEL", choice("debug", "info", "warning", "error"), "info", "Least severity."),
    Setting("LOG_FORMAT", choice("json", "text"), "json", "One JSON object a line, or text."),
    Setting(
        "DEMO",
        boolean,
        "false",
        "true: this installation is a demo, with accounts whose passwords everybody knows and a"
        " link that signs in; it listens on loopback only. `make demo` sets it.",
    ),
    Setting("DEBUG", boolean, "false", "Django's debug pages; never on a real installation."),
)


def read(environ: Mapping[str, str]) -> dict[str, Any]:
    """Read the table from `environ`.

    Raises:
        SettingError: names the first wrong setting, its value and what would be right.
    """
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        raw = environ.get(setting.name, setting.default).strip()
        try:
            values[setting.name] = setting.read(raw)
        except ValueError as error:
            shown = "" if setting.is_secret else f"={raw!r}"
            raise SettingError(
                f"{setting.name}{shown} is not usable: it must be {error}."
            ) from None
    _check_demo(values)
    _check_oauth(values)
    return values


def _check_oauth(values: Mapping[str, Any]) -> None:
    """Half a configuration would refuse every token, or take those that are not for us."""
    keys, introspection = values["OAUTH_JWKS_URL"], values["OAUTH_INTROSPECTION_URL"]
    if keys and introspection:
        raise SettingError(
            f"OAUTH_INTROSPECTION_URL={introspection!r} is not usable together with OAUTH_JWKS_URL:"
            " tokens are checked in one way; leave one of the two empty."
        )
    for name in ("OAUTH_ISSUER", "OAUTH_AUDIENCE"):
        if keys and not values[name]:
            raise SettingError(f"{name}='' is not usable with OAUTH_JWKS_URL: it must be set.")
    if values["OAUTH_ISSUER"] and not (keys or introspection):
        raise SettingError(
            f"OAUTH_ISSUER={values['OAUTH_ISSUER']!r} is not usable alone: set OAUTH_JWKS_URL or"
            " OAUTH_INTROSPECTION_URL, which say how its tokens are checked."
        )


def _check_demo(values: Mapping[str, Any]) -> None:
    """A demo's passwords are in the documentation: nobody outside may reach it."""
    if not values["DEMO"]:
        return
    for name, value in values.items():
        if isinstance(value, Endpoint) and not _is_loopback(value.host):
            raise SettingError(
                f"{name}={value} is not usable with DEMO=true: a demo's passwords are known to"
                " everybody, so it may listen on loopback only, such as 127.0.0.1."
            )
    if values["TRUSTED_PROXIES"]:
        raise SettingError(
            "TRUSTED_PROXIES is not usable with DEMO=true: a demo's passwords are known to"
            " everybody, so no proxy may lead to it."
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def sudo_user() -> str:
    """Who called sudo to start this process; "" if nobody did. The audit log names them."""
    return os.environ.get("SUDO_USER", "")


def server() -> tuple[str, str]:
    """Which server the command line is to ask, and the token for it; "" and "" for this
    installation. They belong to who calls it, not to the service: the table has them not."""
    return os.environ.get("MAILHOST_SERVER", ""), os.environ.get("MAILHOST_TOKEN", "")


def load() -> dict[str, Any]:
    """Read the process environment; end the process with one sentence if a value is wrong."""
    try:
        return read(os.environ)
    except SettingError as error:
        sys.stderr.write(f"mailhost: {error}\n")
        raise SystemExit(2) from None


def markdown() -> str:
    """docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "All settings are environment variables, read once at start. A wrong value stops the start",
        "with one sentence. This page is made from `mailhost/env.py` by `python -m mailhost.env`.",
        "",
        "| name | default | meaning |",
        "|---|---|---|",
    ]
    for setting in SETTINGS:
        default = f"`{setting.default}`" if setting.default else "(empty)"
        lines.append(f"| `{setting.name}` | {default} | {setting.help} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
