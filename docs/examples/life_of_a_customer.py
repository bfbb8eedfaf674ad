#!/usr/bin/env python3
"""The whole life of a customer by the API alone, with nothing but Python's own library.

    TOKEN=mhk_… python3 docs/examples/life_of_a_customer.py https://mail.example.org example.com

It adds an organisation with a domain, shows what the DNS has to say, adds users (one of them, then
many in one request) and an alias, sends a letter as one user and reads it as the other, shows what
is used, and removes all of it again. The token needs to be an operator's. Run as a test of the
project itself, so it works as it stands.
"""

import base64
import json
import os
import secrets
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

SEND = ["send:write", "send:read", "mail:read", "mail:write"]


class Api:
    """The API in somebody's name.

    Args:
        server: such as https://mail.example.org.
        authorization: the header of this name.
    """

    def __init__(self, server: str, authorization: str) -> None:
        self.base = f"{server.rstrip('/')}/api/v1"
        self.headers = {"Authorization": authorization, "Accept": "application/json"}
        self.tls = ssl.create_default_context()
        if os.environ.get("INSECURE"):  # a server whose certificate it signed itself
            self.tls.check_hostname = False
            self.tls.verify_mode = ssl.CERT_NONE

    def ask(self, verb: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request; what came, as JSON where it is JSON. Says what is wrong, and ends."""
        sent = {**self.headers, **{name.replace("_", "-"): text for name, text in headers.items()}}
        octets = body
        if body is not None and not isinstance(body, bytes):
            octets = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        if verb == "POST":
            # A line may break before the answer is there: the same request may then be sent again.
            sent["Idempotency-Key"] = secrets.token_urlsafe(16)
        request = urllib.request.Request(f"{self.base}/{path}", octets, sent, method=verb)  # noqa: S310
        context = self.tls if self.base.startswith("https:") else None
        try:
            with urllib.request.urlopen(request, context=context, timeout=60) as answer:  # noqa: S310
                text = answer.read().decode()
                is_json = answer.headers.get_content_type() == "application/json"
                return json.loads(text) if is_json else text
        except urllib.error.HTTPError as error:
            problem = json.loads(error.read())
            raise SystemExit(f"{verb} {path}: {problem['code']}: {problem['detail']}") from None

    def every(self, path: str) -> Iterator[dict[str, Any]]:
        """All things of a list, page by page."""
        cursor = ""
        while True:
            page = self.ask("GET", f"{path}{'&' if '?' in path else '?'}limit=500{cursor}")
            yield from page["items"]
            if page["next"] is None:
                return
            cursor = f"&cursor={page['next']}"


def basic(address: str, password: str) -> str:
    """How somebody without a token asks for the first one (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{address}:{password}".encode()).decode()


def token_of(server: str, address: str, password: str) -> Api:
    """A program that reads and sends the mail of a user."""
    made = Api(server, basic(address, password)).ask(
        "POST", "tokens", {"name": "example", "scopes": SEND}
    )
    return Api(server, f"Bearer {made['token']}")


def say(words: str) -> None:
    """A line of what was done."""
    print(words, flush=True)  # noqa: T201  (a program of the shell)


def add_customer(api: Api, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """An organisation with a domain."""
    organization = api.ask("POST", "organizations", {"name": f"Customer {name}", "max_users": 50})
    domain = api.ask("POST", "domains", {"name": name, "organization": organization["id"]})
    say(f"organisation {organization['id']} with the domain {domain['name']}")
    say("what its DNS has to say:")
    say(api.ask("GET", f"domains/{domain['id']}/zone"))
    return organization, domain


def add_people(api: Api, name: str) -> dict[str, str]:
    """Users and an alias; the passwords of the first two by address."""
    passwords = {f"{part}@{name}": secrets.token_urlsafe(18) for part in ("ann", "bob")}
    for address, password in passwords.items():
        api.ask("POST", "users", {"address": address, "password": password})
    lines = [json.dumps({"address": f"user{number}@{name}"}) for number in range(20)]
    told = api.ask(
        "POST", "users/bulk", "\n".join(lines).encode(), Content_Type="application/x-ndjson"
    )
    last = json.loads(told.splitlines()[-1])
    api.ask("POST", "aliases", {"address": f"sales@{name}", "targets": [f"bob@{name}"]})
    say(f"2 users, {last['done']} more in one request, {last['failed']} failed; an alias")
    return passwords


def write(server: str, name: str, passwords: dict[str, str]) -> None:
    """Ann writes to the alias, and Bob reads it."""
    ann = token_of(server, f"ann@{name}", passwords[f"ann@{name}"])
    bob = token_of(server, f"bob@{name}", passwords[f"bob@{name}"])
    letter = {"to": [f"sales@{name}"], "subject": "Lunch", "text": "At noon?"}
    sent = ann.ask("POST", "submissions", letter)
    for _ in range(120):
        sent = ann.ask("GET", f"submissions/{sent['id']}")
        if sent["state"] not in {"waiting", None}:
            break
        time.sleep(0.5)
    say(f"the letter is {sent['state']}: {sent['recipients'][0]['text']}")
    (inbox,) = [one for one in bob.every("mailboxes") if one["name"] == "INBOX"]
    for row in bob.every(f"mailboxes/{inbox['id']}/messages"):
        message = bob.ask("GET", f"mailboxes/{inbox['id']}/messages/{row['uid']}")
        say(f"Bob reads: {message['subject']}: {message['text'].strip()}")


def remove(api: Api, organization: dict[str, Any], domain: dict[str, Any]) -> None:
    """All of it, from the inside to the outside."""
    for alias in list(api.every(f"aliases?domain={domain['id']}")):
        api.ask("DELETE", f"aliases/{alias['id']}")
    for user in list(api.every(f"users?domain={domain['id']}")):
        api.ask("DELETE", f"users/{user['id']}")
    api.ask("DELETE", f"domains/{domain['id']}")
    api.ask("DELETE", f"organizations/{organization['id']}")
    say("removed")


def main(server: str, name: str) -> None:
    api = Api(server, f"Bearer {os.environ['TOKEN']}")
    organization, domain = add_customer(api, name)
    passwords = add_people(api, name)
    write(server, name, passwords)
    usage = api.ask("GET", f"organizations/{organization['id']}/usage")
    say(f"usage: {json.dumps(usage)}")
    remove(api, organization, domain)


if __name__ == "__main__":
    main(*sys.argv[1:3])
