"""`python -m bench.finder ADDRESS`: asks the search service as a web process would.

A process with mailhost's settings in its environment. Each line of standard input is a query, or
"waiting" for the number of messages that the index has not seen; each answer is one line of JSON.
"""

import json
import os
import sys
import time
from collections.abc import Sequence

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
    print("ready", flush=True)
    for line in sys.stdin:
        query = line.rstrip("\n")
        if query == "waiting":
            state = services.state()
            is_whole = state is not None and state.below is None
            print(json.dumps({"waiting": backlog(), "is_whole": is_whole}), flush=True)
            continue
        began = time.perf_counter()
        page = find(parse(query, timezone.localdate()), user_id=user, seconds=60.0)
        taken = time.perf_counter() - began
        hits = page.count.least if page.count is not None else len(page.hits)
        print(json.dumps({"ms": taken * 1e3, "hits": hits}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
