"""`python -m bench.finder ADDRESS`: asks the search service as a web process would.

A process with mailhost's settings in its environment. Each line of standard input is a query, or
"waiting" for the number of messages that the index has not seen; each answer is one line of JSON.
After "page " stands an address of the webmail: it is asked for as a browser would, whole.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

import django


def main(arguments: Sequence[str]) -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")
    django.setup()
    # What needs the settings can be imported only now.
    from django.utils import timezone

    from apps.directory.services import users
    from apps.mailstore.services.unindexed import backlog
    from apps.search import services
    from apps.search.finding.pages import find
    from apps.search.language.parsing import parse

    user = users.find(arguments[0]).pk
    client = _browser(user)
    print("ready", flush=True)
    for line in sys.stdin:
        query = line.rstrip("\n")
        if query == "waiting":
            state = services.state()
            is_whole = state is not None and state.below is None
            print(json.dumps({"waiting": backlog(), "is_whole": is_whole}), flush=True)
            continue
        if query.startswith("page "):
            print(json.dumps(_page(client, query.removeprefix("page "))), flush=True)
            continue
        began = time.perf_counter()
        page = find(parse(query, timezone.localdate()), user_id=user, seconds=60.0)
        taken = time.perf_counter() - began
        hits = page.count.least if page.count is not None else len(page.hits)
        print(json.dumps({"ms": taken * 1e3, "hits": hits}), flush=True)
    return 0


def _browser(user_id: int) -> Any:
    """One that is signed in, without a server between: what is measured is the page."""
    from django.conf import settings
    from django.test import Client

    from apps.directory.models import User

    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
    client = Client(SERVER_PORT="443", HTTPS="on")
    client.force_login(User.objects.get(pk=user_id))
    return client


def _page(client: Any, address: str) -> dict[str, float]:
    began = time.perf_counter()
    response = client.get(address, secure=True)
    taken = time.perf_counter() - began
    text = response.content.decode()
    if response.status_code != 200:
        return {"ms": taken * 1e3, "hits": -response.status_code}
    return {"ms": taken * 1e3, "hits": text.count("<article") or text.count('role="option"')}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
