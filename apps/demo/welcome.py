"""What is said when the demo runs: the accounts, how to reach them, and the link."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.urls import reverse

from apps.demo import accounts, links
from apps.demo.accounts import Row
from apps.demo.people import MAIN, People
from apps.ops import doors
from apps.runtime.sockets import Endpoint


def words(people: People, places: Mapping[str, Endpoint]) -> str:
    """For people: all they need, the link last."""
    told = [
        "  Accounts (the passwords are known to everybody: a demo listens on loopback only):",
        "",
    ]
    rows = accounts.rows(people)
    width = max(len(row.address) for row in rows)
    secret = max(len(row.password) for row in rows)
    told += [
        f"    {row.address:<{width}}  {row.password:<{secret}}  {row.name}{_remark(row)}"
        for row in rows
    ]
    if (imaps := places.get("imaps")) is not None:
        first = rows[0]
        submissions = places.get("submissions")
        told += [
            "",
            f"  With a mail program: IMAP {imaps} and SMTP {submissions}, both TLS with a"
            " self-signed certificate; the address is the user name. With curl:",
            f"    curl -k -u {first.address}:{first.password} 'imaps://{imaps}/INBOX;MAILINDEX=1'",
        ]
    if (web := places.get(doors.WEB)) is not None:
        told += ["", f"  Open this link; it signs in as {people[MAIN].name}, for a day:", ""]
        told += [f"    {link(people, web)}", ""]
    return "\n".join(told)


def _remark(row: Row) -> str:
    if row.is_suspended:
        return " (suspended: cannot sign in)"
    return " (operator; the link signs in as her)" if row.is_main else ""


def link(people: People, web: Endpoint) -> str:
    """The address that signs the main user in.

    Raises:
        LookupError: there is no demo.
    """
    user = accounts.main_user(people)
    if user is None:
        raise LookupError("no demo")
    scheme = "https" if settings.WEB_TLS else "http"
    return f"{scheme}://{web}{reverse('demo', args=[links.make(user)])}"


def as_json(people: People) -> dict[str, Any]:
    """For programs: the same, at the doors that are set."""
    web = doors.endpoint(doors.WEB)
    return {
        "data": str(settings.MAILHOST_DATA),
        "link": link(people, web) if web is not None else None,
        "doors": {door: str(doors.endpoint(door) or "") for door in (*doors.MAIL_DOORS, doors.WEB)},
        "accounts": [
            {
                "address": row.address,
                "password": row.password,
                "name": row.name,
                "operator": row.is_main,
                "suspended": row.is_suspended,
            }
            for row in accounts.rows(people)
        ],
    }
