"""Every column of every table that may name a blob is in the list that collection asks."""

from django.apps import apps
from django.db.models import ForeignKey

from apps.blobs.models import Blob
from apps.blobs.referrers import REFERRERS, unreferenced


def test_it_lists_every_column_that_names_a_blob() -> None:
    found = set()
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            to_blob = isinstance(field, ForeignKey) and field.related_model is Blob
            if to_blob or (model is not Blob and "blob" in field.name):
                found.add((model._meta.db_table, field.column))
    assert found == set(REFERRERS)


def test_it_asks_every_one_of_them() -> None:
    condition = unreferenced()
    assert all(f"FROM {table} AS r WHERE r.{column}" in condition for table, column in REFERRERS)
    assert condition.count("NOT EXISTS") == len(REFERRERS)
