"""A span finds and changes exactly the UIDs it stands for, whether it is a range or a list."""

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.mailstore.models import Entry, Mailbox
from apps.mailstore.span import Span
from tests.mailstore.making import filled

pytestmark = pytest.mark.django_db
UIDS = st.lists(st.integers(1, 45), min_size=1, max_size=30, unique=True).map(sorted)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(there=st.sets(st.integers(1, 40)), asked=UIDS, changed=st.sets(st.integers(1, 45)))
def test_it_stands_for_exactly_its_uids(
    inbox: Mailbox, there: set[int], asked: list[int], changed: set[int]
) -> None:
    if not Entry.objects.filter(mailbox=inbox).exists():
        filled(inbox, 40)
    with transaction.atomic(), connection.cursor() as cursor:
        Entry.objects.filter(mailbox=inbox).exclude(uid__in=there).delete()
        span = Span(inbox.pk, asked)
        cursor.execute(
            f"SELECT uid FROM mailstore_entry WHERE {span.sql} ORDER BY uid", span.parameters
        )
        found = [row[0] for row in span.wanted(cursor.fetchall())]
        assert found == sorted(there & set(asked))
        some = [uid for uid in found if uid in changed]
        part = span.part(some)
        cursor.execute(f"UPDATE mailstore_entry SET modseq = 99 WHERE {part.sql}", part.parameters)
        touched = Entry.objects.filter(mailbox=inbox, modseq=99).order_by("uid")
        assert list(touched.values_list("uid", flat=True)) == some
        transaction.set_rollback(True)


def test_it_is_a_range_where_that_is_nearly_the_same() -> None:
    assert "BETWEEN" in Span(1, [3, 4, 5, 7]).sql
    assert "BETWEEN" not in Span(1, [3, 400]).sql
    assert "BETWEEN" not in Span(1, []).sql
    dense = Span(1, [3, 4, 5])
    dense.wanted([(3,), (4,), (5,)])
    assert "BETWEEN" in dense.part([4, 5]).sql
    assert "BETWEEN" not in dense.part([3, 5]).sql
