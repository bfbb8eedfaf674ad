"""Domains, and the tabs of one."""

from django.urls import path

from apps.console.views import (
    domains,
    domainsacts,
    domainsdns,
    domainssending,
    domainstabs,
    domainstest,
)

urlpatterns = [
    path("", domains.listing, name="console-domains"),
    path("bulk/", domains.bulk, name="console-domains-bulk"),
    path("add/", domains.add, name="console-domain-add"),
    path("<row:number>/", domainsdns.dns, name="console-domain"),
    path("<row:number>/check/", domainsdns.check, name="console-domain-check"),
    path("<row:number>/elsewhere/", domainsdns.elsewhere, name="console-domain-elsewhere"),
    path("<row:number>/leave/", domainsdns.leave, name="console-domain-leave"),
    path("<row:number>/zone/", domainsdns.zone, name="console-domain-zone"),
    path("<row:number>/records/", domainsdns.text, name="console-domain-records"),
    path("<row:number>/users/", domainstabs.users, name="console-domain-users"),
    path("<row:number>/sending/", domainssending.page, name="console-domain-sending"),
    path("<row:number>/keys/rotate/", domainssending.rotate, name="console-domain-rotate"),
    path("<row:number>/keys/activate/", domainssending.activate, name="console-domain-activate"),
    path("<row:number>/keys/discard/", domainssending.discard, name="console-domain-discard"),
    path("<row:number>/limits/", domainssending.limits, name="console-domain-limits"),
    path("<row:number>/sts/", domainssending.sts, name="console-domain-sts"),
    path("<row:number>/smarthost/", domainssending.smarthost, name="console-domain-smarthost"),
    path("<row:number>/relay/", domainssending.relay, name="console-domain-relay"),
    path("<row:number>/policies/", domainstabs.policies, name="console-domain-policies"),
    path("<row:number>/reports/", domainstabs.received, name="console-domain-reports"),
    path("<row:number>/state/", domainsacts.state, name="console-domain-state"),
    path("<row:number>/test/", domainstest.page, name="console-domain-test"),
    path("<row:number>/rename/", domainsacts.rename, name="console-domain-rename"),
    path("<row:number>/copy/", domainsacts.copy, name="console-domain-copy"),
    path("<row:number>/remove/", domainsacts.remove, name="console-domain-remove"),
]
