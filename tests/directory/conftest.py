"""A cache for these tests alone: its clock can travel, and no other test process empties it."""

import pytest
from django.core.cache import cache
from pytest_django.fixtures import Settings

from apps.directory import throttle


@pytest.fixture(autouse=True)
def _own_cache(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": "directory",
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        }
    }
    cache.clear()
    # No memory of another test's outage.
    monkeypatch.setattr(throttle, "_store", throttle._Store())
