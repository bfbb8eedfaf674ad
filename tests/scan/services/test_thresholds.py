"""Thresholds: what is said is kept, what is unset is gone."""

import pytest

from apps.directory.models import User
from apps.scan.models import Threshold
from apps.scan.models.policies import NEVER
from apps.scan.scopes import SERVER, Scope
from apps.scan.services.thresholds import UNSET, Change, change
from apps.wire.errors import InvalidName

pytestmark = pytest.mark.django_db


def test_it_changes_what_is_named() -> None:
    change(SERVER, Change(junk=4, refuse=NEVER))
    row = change(SERVER, Change(hold=20, is_off=False))
    assert (row.junk, row.refuse, row.hold, row.is_off) == (4, NEVER, 20, False)
    assert Threshold.objects.count() == 1


def test_a_row_that_says_nothing_is_gone(alice: User) -> None:
    scope = Scope(user_id=alice.pk)
    change(scope, Change(junk=4, is_off=True))
    change(scope, Change(junk=UNSET))
    assert Threshold.objects.get().is_off is True
    change(scope, Change(is_off=UNSET))
    assert not Threshold.objects.exists()


@pytest.mark.parametrize("points", [0, -1, 1_001, float("nan"), float("inf")])
def test_it_takes_no_threshold_that_makes_no_sense(points: float) -> None:
    with pytest.raises(InvalidName):
        change(SERVER, Change(junk=points))
    assert not Threshold.objects.exists()


def test_thresholds_go_with_their_user(alice: User) -> None:
    change(Scope(user_id=alice.pk), Change(junk=4))
    alice.delete()
    assert not Threshold.objects.exists()
