"""Several who do something to the queue at the same moment."""

import threading
from collections.abc import Callable

from django.db import connections


def race(*jobs: Callable[[], object]) -> list[object]:
    """What each answers; all begin at once, each on a connection of its own."""
    begin = threading.Barrier(len(jobs))
    found: list[object] = [None] * len(jobs)

    def run(place: int, job: Callable[[], object]) -> None:
        try:
            begin.wait(10)
            found[place] = job()
        except BaseException as error:  # noqa: BLE001 - it is what is answered
            found[place] = error
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=run, args=(place, job), daemon=True)
        for place, job in enumerate(jobs)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found
