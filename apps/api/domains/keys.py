"""The DKIM keys of a domain."""

from typing import Any, Final

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.domains.shown import TAG
from apps.api.domains.views import DomainDoor
from apps.api.forms import Form, Shown
from apps.api.operations import Gives, Sends, operation
from apps.directory import dkim
from apps.directory.dkim import Finding, KeyRow
from apps.directory.models import DkimAlgorithm, DkimState
from apps.directory.permissions import Ability
from apps.directory.services import dkim as making
from apps.directory.services.dkim import NewKeys
from apps.provisioning.administration import dnschecks, sending
from apps.provisioning.administration.sight import demand, find_domain


class KeyShown(Shown):
    """A key; the private half is never shown."""

    selector = serializers.CharField()
    algorithm = serializers.ChoiceField(DkimAlgorithm.choices)
    state = serializers.ChoiceField(
        DkimState.choices,
        help_text="`pending`: waits for its record; `active`: signs; `retiring`: its record must"
        " stay for a while; `retired`: its record can go.",
    )
    changed_at = serializers.DateTimeField(help_text="Since when it is so.")
    record = serializers.CharField(help_text="Name of its TXT record.")
    text = serializers.CharField(help_text="What stands there.")
    strings = serializers.ListField(
        child=serializers.CharField(), help_text="The same in pieces that fit into one record."
    )


class KeysShown(Shown):
    """All keys of a domain, the newest last."""

    domain = serializers.CharField()
    keys = KeyShown(many=True)


class Activation(Form):
    """When keys begin to sign."""

    force = serializers.BooleanField(
        default=False, help_text="Whatever the DNS says: its records may not be visible from here."
    )


class LookedShown(Shown):
    """What the DNS said of a key, and how it is now."""

    selector = serializers.CharField()
    state = serializers.ChoiceField(DkimState.choices)
    finding = serializers.ChoiceField([(one.value, one.value) for one in Finding])


class ActivationShown(Shown):
    """Each key that waited."""

    keys = LookedShown(many=True)


_KEY: Final = {
    "selector": "m202611r",
    "algorithm": "rsa",
    "state": "pending",
    "changed_at": "2026-11-28T10:00:00Z",
    "record": "m202611r._domainkey.example.org",
    "text": "v=DKIM1; k=rsa; p=MIIB…",
    "strings": ["v=DKIM1; k=rsa; p=MIIB…"],
}
_GIVES: Final = Gives(KeysShown, {"domain": "example.org", "keys": [_KEY]})
_LOOKED: Final = {"selector": "m202611r", "state": "active", "finding": "published"}


def shown(domain: str) -> dict[str, Any]:
    """The keys of a domain."""
    rows = [_one(row) for row in dkim.keys_of(domain)]
    return dict(KeysShown({"domain": domain, "keys": rows}).data)


def _one(row: KeyRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _KEY}


class Keys(DomainDoor):
    """All of them."""

    _keys: NewKeys | None = None

    def ahead(self) -> None:
        row = find_domain(self.powers, self.kwargs["domain_id"])
        demand(self.powers, Ability.CHANGE_POLICIES, row)
        self._keys = making.prepare()

    @operation("domain_keys_list", "Show the DKIM keys of a domain", tag=TAG, gives=_GIVES)
    def get(self, request: Request, domain_id: int) -> Response:
        return self.shown(shown(find_domain(self.powers, domain_id).name))

    @operation(
        "domain_keys_rotate",
        "Make the next DKIM keys of a domain",
        tag=TAG,
        more="What signs goes on until the records of the new ones are in the DNS: publish them;"
        " the keys begin to sign by themselves once they are seen there.",
        gives=Gives(KeysShown, {"domain": "example.org", "keys": [_KEY]}, status=201),
    )
    def post(self, request: Request, domain_id: int) -> Response:
        sending.rotate_keys(powers=self.powers, domain_id=domain_id, keys=self._keys)
        row = dnschecks.request(powers=self.powers, domain_id=domain_id)
        return self.made(shown(row.name), request.path)

    @operation("domain_keys_discard", "Drop the DKIM keys that wait for their records", tag=TAG)
    def delete(self, request: Request, domain_id: int) -> Response:
        sending.discard_keys(powers=self.powers, domain_id=domain_id)
        return self.gone()


class Activating(DomainDoor):
    """Keys that begin to sign."""

    is_idempotent = True  # waits for the DNS

    @operation(
        "domain_keys_activate",
        "Let the DKIM keys sign whose records are in the DNS",
        tag=TAG,
        more="Looks for them now, for up to half a minute.",
        sends=Sends(Activation, {"force": False}),
        gives=Gives(ActivationShown, {"keys": [_LOOKED]}),
    )
    def post(self, request: Request, domain_id: int) -> Response:
        force = self.asked(Activation).validated_data["force"]
        looked = sending.activate_keys(powers=self.powers, domain_id=domain_id, force=force)
        rows = [
            {"selector": row.selector, "state": row.state, "finding": finding.value}
            for row, finding in looked
        ]
        return self.shown(dict(ActivationShown({"keys": rows}).data))
