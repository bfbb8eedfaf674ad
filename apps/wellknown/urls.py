"""Addresses that other mail servers and mail programs ask for, under names that are not ours:
`middleware` answers them before anybody looks at the host."""

from typing import Final

from django.urls import path

from apps.wellknown import paths, views

urlpatterns = [
    path(paths.STS_POLICY[1:], views.sts_policy, name="mta-sts"),
    path(paths.AUTOCONFIG[1:], views.autoconfig, name="autoconfig"),
    path(paths.AUTOCONFIG_WELLKNOWN[1:], views.autoconfig, name="autoconfig-wellknown"),
    path(paths.AUTODISCOVER[1:], views.autodiscover, name="autodiscover"),
    # As it stands in Microsoft's documents, and as some programs ask.
    path(paths.AUTODISCOVER_CAPITALS[1:], views.autodiscover, name="autodiscover-capitals"),
]

PATHS: Final = {f"/{pattern.pattern}": pattern.callback for pattern in urlpatterns}
