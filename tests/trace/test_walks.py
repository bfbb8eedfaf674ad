"""Walks read what they return, whatever there is beside it."""

import pytest
from django.db import connection

from apps.runtime.ulid import new_ulid
from apps.trace import walks
from apps.trace.models import Party
from apps.trace.walks import By, Way
from tests.support.reading import Reading, analyze

pytestmark = pytest.mark.django_db

ALONE = 3_000  # domains with a message each
CROWD = 6_000  # messages of one domain
MOST = 60 * 12  # rows of a stretch of sixty; what SQLite does for each of them is counted in rows


@pytest.fixture
def skewed() -> None:
    """Most domains have hardly anything, and one has more than all others: what a planner expects
    of a domain is far from what this one has."""
    names = [f"d{number}.invalid" for number in range(ALONE)] + ["big.test"] * CROWD
    Party.objects.bulk_create(
        Party(
            trace_id=new_ulid(),
            at=1_000_000 + number,
            role="written",
            address=f"u{number}@{name}",
            domain=name,
            domain_id=7 if name == "big.test" else number + 10,
        )
        for number, name in enumerate(names)
    )
    analyze()


@pytest.mark.usefixtures("skewed")
@pytest.mark.parametrize("way", [Way(By.DOMAIN, ("big.test",)), Way(By.HOME, (7,))])
def test_a_stretch_of_the_largest_reads_no_more_than_itself(way: Way) -> None:
    reading = Reading(("trace_party",))
    with connection.execute_wrapper(reading):
        met = walks.stretch([way], 0, 10**16, 60)
    assert sorted(spot.at_us for spot in met.spots) == [1_008_941 + place for place in range(59)]
    assert met.reached == 1_008_940
    assert len(reading.found) == 1
    assert reading.beyond(MOST) == []


@pytest.mark.usefixtures("skewed")
def test_the_rarer_of_two_is_the_one_whose_first_rows_lie_further_back() -> None:
    many, one, none = (Way(By.DOMAIN, (name,)) for name in ("big.test", "d7.invalid", "no.invalid"))
    for first, second in ((many, one), (one, many), (many, none), (none, many)):
        assert walks.rarer(first, second, 0, 10**16) is not many
    assert walks.rarer(one, none, 0, 10**16) is one  # alike: neither has more than a look
