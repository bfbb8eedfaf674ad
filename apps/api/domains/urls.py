"""Addresses of domains."""

from django.urls import path

from apps.api.domains.bulk import BulkDomains
from apps.api.domains.dns import Check, Dns, Record, Zone
from apps.api.domains.keys import Activating, Keys
from apps.api.domains.recipients import OneRecipient, Recipients
from apps.api.domains.sending import Limits, Relay, Smarthost
from apps.api.domains.usage import Trial, Usage, Usages
from apps.api.domains.views import Domains, OneDomain, Renaming, Settings

_ONE = "domains/<int:domain_id>"

urlpatterns = [
    path("domains", Domains.as_view(), name="api-domains"),
    path("domains/bulk", BulkDomains.as_view(), name="api-domains-bulk"),
    path("domains/usage", Usages.as_view(), name="api-domains-usage"),
    path(_ONE, OneDomain.as_view(), name="api-domain"),
    path(f"{_ONE}/usage", Usage.as_view(), name="api-domain-usage"),
    path(f"{_ONE}/test", Trial.as_view(), name="api-domain-test"),
    path(f"{_ONE}/rename", Renaming.as_view(), name="api-domain-rename"),
    path(f"{_ONE}/copy", Settings.as_view(), name="api-domain-copy"),
    path(f"{_ONE}/dns", Dns.as_view(), name="api-domain-dns"),
    path(f"{_ONE}/dns/check", Check.as_view(), name="api-domain-dns-check"),
    path(f"{_ONE}/dns/<str:record>", Record.as_view(), name="api-domain-record"),
    path(f"{_ONE}/zone", Zone.as_view(), name="api-domain-zone"),
    path(f"{_ONE}/keys", Keys.as_view(), name="api-domain-keys"),
    path(f"{_ONE}/keys/activate", Activating.as_view(), name="api-domain-keys-activate"),
    path(f"{_ONE}/limits", Limits.as_view(), name="api-domain-limits"),
    path(f"{_ONE}/smarthost", Smarthost.as_view(), name="api-domain-smarthost"),
    path(f"{_ONE}/relay", Relay.as_view(), name="api-domain-relay"),
    path(f"{_ONE}/relay/recipients", Recipients.as_view(), name="api-relay-recipients"),
    path(
        f"{_ONE}/relay/recipients/<path:address>",
        OneRecipient.as_view(),
        name="api-relay-recipient",
    ),
]
