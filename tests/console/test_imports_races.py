"""Files that are sent at the same moment: none of them breaks another, and few are kept."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from apps.console.models import Import, ImportKind, ImportLine, ImportState
from apps.console.services import imports
from apps.console.services.imports import MOST_WAITING
from apps.directory.models import Domain, User
from apps.directory.permissions import powers_of
from apps.provisioning.bulk.verdicts import verdicts
from apps.wire.errors import Gone, InUse
from tests.console.conftest import browser
from tests.console.test_imports import HEAD, csv, upload

pytestmark = pytest.mark.django_db(transaction=True)
OVERTAKEN = "Only the last 5 files are kept, and this one was overtaken: send it again."


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Begin them together; what each returned."""
    start = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        start.wait(30)
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        return [one.result(60) for one in [threads.submit(run, act) for act in acts]]


def send(user: User, name: str) -> tuple[int, str]:
    """Send a file of some hundred lines from a browser of its own."""
    file = csv(f"{name}-{number}@example.test,,," for number in range(600))
    answer = browser(user).post("/admin/import/", {"kind": "users", "file": file})
    return answer.status_code, answer.content.decode()


def test_the_sixth_of_many_at_once_is_told_and_breaks_nobody(admin: User, domain: Domain) -> None:
    for number in range(MOST_WAITING - 1):
        upload(browser(admin), csv([f"before{number}@example.test,,,"]))

    answers = at_once(*(partial(send, admin, name) for name in ("a", "b", "c", "d", "e", "f", "g")))

    told = Counter(status for status, _ in answers)
    assert set(told) <= {302, 422}, told
    assert all(OVERTAKEN in page for status, page in answers if status == 422)
    kept = Import.objects.all()
    assert len(kept) == min(MOST_WAITING, told[302])
    for job in kept:
        assert job.state == ImportState.READY
        assert (job.good, job.lines.count()) == (600, 600)
    assert set(ImportLine.objects.values_list("job", flat=True)) == {job.pk for job in kept}


def take(user: User, name: str) -> Import:
    octets = f"{HEAD}{name}@example.test,,,secret word of {name}".encode()
    return imports.take(
        user=user,
        powers=powers_of(user),
        kind=ImportKind.USERS,
        octets=octets,
        file_name="",
        must_change=True,
    )


def test_one_that_is_overtaken_while_it_is_read_leaves_nothing(
    admin: User, domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(*about: Any) -> Any:
        monkeypatch.setattr(imports, "verdicts", verdicts)
        for number in range(MOST_WAITING):
            take(admin, f"later{number}")
        return verdicts(*about)

    monkeypatch.setattr(imports, "verdicts", overtaken)

    with pytest.raises(Gone) as told:
        take(admin, "first")

    assert f"{told.value.reply.text}." == OVERTAKEN
    assert Import.objects.filter(state=ImportState.READY).count() == MOST_WAITING
    assert Import.objects.count() == MOST_WAITING
    assert not ImportLine.objects.filter(cells__address="first@example.test").exists()


def test_what_is_begun_is_never_forgotten_and_what_is_forgotten_never_begun(
    admin: User, domain: Domain
) -> None:
    for _ in range(4):
        job = take(admin, "both")

        def begin(job: Import = job) -> bool:
            return imports.start(user=admin, job_id=job.pk, address="192.0.2.1")

        def cancel(job: Import = job) -> bool:
            try:
                imports.cancel(user=admin, job_id=job.pk)
            except InUse:
                return False
            return True

        begun, _ = at_once(begin, cancel)

        found = Import.objects.filter(pk=job.pk).first()
        assert (found is not None) == begun
        if found is not None:
            assert found.lines.count() == 1
            Import.objects.filter(pk=job.pk).delete()


def test_a_file_that_cannot_be_read_takes_no_place(admin: User, domain: Domain) -> None:
    pages = [upload(browser(admin), csv([f"a{n}@example.test,,,"])) for n in range(MOST_WAITING)]
    wrong = csv(["x"], head="nonsense\n")
    answer = browser(admin).post("/admin/import/", {"kind": "users", "file": wrong})
    assert answer.status_code == 422
    assert all(browser(admin).get(page).status_code == 200 for page in pages)
