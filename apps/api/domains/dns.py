"""The DNS records of a domain: what they should be, how they stand, and having them looked at."""

from typing import Any, Final

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.domains.shown import TAG
from apps.api.domains.views import DomainDoor
from apps.api.forms import Form, Shown
from apps.api.operations import Gives, GivesText, Sends, operation
from apps.directory.models import Domain
from apps.dnscheck import queries
from apps.dnscheck.findings import Finding, Report, Standing
from apps.dnscheck.records import Kind
from apps.dnscheck.zonefile import zone_file
from apps.provisioning.administration import dnschecks
from apps.provisioning.administration.sight import find_domain
from apps.wire.errors import NotFound


class RecordShown(Shown):
    """A record as it should be, and how it stands."""

    id = serializers.CharField(help_text="Its name within this list.")
    kind = serializers.ChoiceField([(one.value, one.value) for one in Kind])
    type = serializers.CharField(help_text="`MX`, `TXT`, …")
    host = serializers.CharField(help_text="Relative to the domain; `@` is the domain itself.")
    name = serializers.CharField(help_text="In full.")
    values = serializers.ListField(child=serializers.CharField(), help_text="One for each record.")
    is_required = serializers.BooleanField(help_text="Whether mail suffers without it.")
    why = serializers.CharField()
    standing = serializers.ChoiceField([(one.value, one.value) for one in Standing])
    sentence = serializers.CharField(help_text="What is so, and what to do.")
    found = serializers.ListField(child=serializers.CharField(), help_text="What is there.")
    waits_until = serializers.DateTimeField(
        allow_null=True, help_text="When the last old copy in a cache ends."
    )


class DnsShown(Shown):
    """The records of a domain."""

    domain = serializers.CharField()
    dns_host = serializers.CharField(help_text="Who serves its zone; empty if not known.")
    checked_at = serializers.DateTimeField(allow_null=True)
    is_checking = serializers.BooleanField(help_text="A look is under way, or asked for.")
    is_elsewhere = serializers.BooleanField(help_text="Left as it is on purpose: no alerts.")
    trouble = serializers.CharField(help_text="Why nothing could be found out; empty if it could.")
    right = serializers.IntegerField(help_text="How many are right, or left so on purpose.")
    total = serializers.IntegerField()
    records = RecordShown(many=True)


class DnsChange(Form):
    """Whether the DNS of a domain is as it is on purpose."""

    is_elsewhere = serializers.BooleanField(help_text="No alerts then.")


class RecordChange(Form):
    """Whether a record is as it is on purpose."""

    is_left = serializers.BooleanField(help_text="No alerts then.")


_RECORD: Final = {
    "id": "mx",
    "kind": "mx",
    "type": "MX",
    "host": "@",
    "name": "example.org",
    "values": ["10 mail.example.org."],
    "is_required": True,
    "why": "Other servers bring mail for the domain to this one.",
    "standing": "right",
    "sentence": "It is right.",
    "found": ["10 mail.example.org."],
    "waits_until": None,
}
_EXAMPLE: Final = {
    "domain": "example.org",
    "dns_host": "dns-host.example",
    "checked_at": "2026-11-28T10:00:00Z",
    "is_checking": False,
    "is_elsewhere": False,
    "trouble": "",
    "right": 1,
    "total": 1,
    "records": [_RECORD],
}
_GIVES: Final = Gives(DnsShown, _EXAMPLE)


def shown(report: Report) -> dict[str, Any]:
    """All records of a domain."""
    values = {
        "domain": report.domain,
        "dns_host": report.host,
        "checked_at": report.checked_at,
        "is_checking": report.is_checking,
        "is_elsewhere": report.is_elsewhere,
        "trouble": report.trouble,
        "right": report.right,
        "total": report.total,
        "records": [_record(one) for one in report.findings],
    }
    return dict(DnsShown(values).data)


def _record(finding: Finding) -> dict[str, Any]:
    wanted = finding.wanted
    return {
        "id": wanted.id,
        "kind": wanted.kind.value,
        "type": wanted.type,
        "host": wanted.host,
        "name": wanted.name,
        "values": list(wanted.values),
        "is_required": wanted.is_required,
        "why": wanted.why,
        "standing": finding.standing.value,
        "sentence": finding.sentence,
        "found": list(finding.found),
        "waits_until": finding.expires_at,
    }


class Dns(DomainDoor):
    """All records."""

    @operation("domain_dns_show", "Show the DNS records of a domain", tag=TAG, gives=_GIVES)
    def get(self, request: Request, domain_id: int) -> Response:
        return self.shown(shown(queries.report(find_domain(self.powers, domain_id))))

    @operation(
        "domain_dns_change",
        "Leave the DNS of a domain as it is on purpose, or watch it again",
        tag=TAG,
        sends=Sends(DnsChange, {"is_elsewhere": True}),
        gives=_GIVES,
    )
    def patch(self, request: Request, domain_id: int) -> Response:
        asked = self.asked(DnsChange).validated_data
        row = dnschecks.leave_alone(powers=self.powers, domain_id=domain_id, **asked)
        return self.shown(shown(queries.report(row)))


class Check(DomainDoor):
    """A look at the records."""

    @operation(
        "domain_dns_check",
        "Have the DNS records of a domain looked at",
        tag=TAG,
        more="It is done in the background, within seconds: `is_checking` tells when it is over.",
        gives=Gives(DnsShown, {**_EXAMPLE, "is_checking": True}, status=202),
    )
    def post(self, request: Request, domain_id: int) -> Response:
        row = dnschecks.request(powers=self.powers, domain_id=domain_id)
        return self.shown(shown(queries.report(row)), 202)


class Record(DomainDoor):
    """One record."""

    @operation(
        "domain_record_change",
        "Leave a DNS record as it is on purpose, or watch it again",
        tag=TAG,
        sends=Sends(RecordChange, {"is_left": True}),
        gives=_GIVES,
    )
    def patch(self, request: Request, domain_id: int, record: str) -> Response:
        asked = self.asked(RecordChange).validated_data
        domain = find_domain(self.powers, domain_id)
        _demand_known(domain, record)
        dnschecks.leave(powers=self.powers, domain_id=domain_id, record_id=record, **asked)
        return self.shown(shown(queries.report(domain)))


def _demand_known(domain: Domain, record: str) -> None:
    if record not in {one.id for one in queries.wanted(domain)}:
        raise NotFound(f"record {record}", text="There is no such record")


class Zone(DomainDoor):
    """The records for a name server."""

    @operation(
        "domain_zone_show",
        "Show the DNS records of a domain as a zone file",
        tag=TAG,
        more="RFC 1035 section 5, ready to be included.",
        gives=GivesText("text/dns", "example.org. 3600 IN MX 10 mail.example.org."),
    )
    def get(self, request: Request, domain_id: int) -> HttpResponse:
        domain = find_domain(self.powers, domain_id)
        text = zone_file(domain, queries.wanted(domain), queries.lost_host())
        return HttpResponse(text, content_type="text/dns; charset=utf-8")
