"""Two administrators who decide on the same kept message at the same moment."""

import threading

import pytest
from django.db import OperationalError, close_old_connections

from apps.directory.models import User
from apps.directory.permissions import Powers, powers_of
from apps.mailstore.models import Entry, JunkMark
from apps.provisioning.administration import quarantine as doors
from apps.scan.models import Quarantined
from apps.scan.verdict import Verdict
from apps.wire.errors import NotFound
from tests.scan.services.test_quarantine import POLICY, claim, keep
from tests.support.mail import drain, local

NUMBERS = 4
TRIES = 20


def release(powers: Powers, number: int) -> None:
    doors.release(powers=powers, number=number)


def delete(powers: Powers, number: int) -> None:
    doors.delete(powers=powers, number=number)


@pytest.mark.django_db(transaction=True)
def test_each_message_is_decided_once_and_the_other_is_told(admin: User, alice: User) -> None:
    rows = [keep(claim(local(alice)), Verdict((POLICY,)))[0].pk for _ in range(NUMBERS)]
    powers, start = powers_of(admin), threading.Barrier(4)
    won: list[tuple[str, int]] = []
    told: list[str] = []

    def decide_on(act: str, number: int) -> None:
        for _ in range(TRIES):
            try:
                {"release": release, "delete": delete}[act](powers, number)
                won.append((act, number))
            except NotFound as error:
                told.append(error.reply.text)
            except OperationalError:  # SQLite: its turn to write did not come in time
                continue
            return

    def decide(act: str) -> None:
        start.wait(120)
        try:
            for number in rows:
                decide_on(act, number)
        finally:
            close_old_connections()

    threads = [threading.Thread(target=decide, args=(act,)) for act in ("release", "delete") * 2]
    for one in threads:
        one.start()
    for one in threads:
        one.join(120)

    assert sorted(number for _, number in won) == rows
    assert len(told) == 3 * NUMBERS
    assert {text.partition(":")[0] for text in told} == {"It is not in quarantine any more"}
    released = sorted(number for act, number in won if act == "release")
    kept = Quarantined.objects.filter(state="released").order_by("pk")
    assert list(kept.values_list("pk", flat=True)) == released
    drain()
    assert Entry.objects.filter(mailbox__user=alice).count() == len(released)
    assert JunkMark.objects.filter(judged="ham").count() == len(released)
