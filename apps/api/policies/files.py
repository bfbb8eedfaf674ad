"""What is done with attached files, by their sort."""

from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.operations import Gives, Sends, operation
from apps.api.policies.filtering import TAG
from apps.api.policies.forms import (
    FilePoliciesShown,
    FilePolicyForm,
    FilePolicyShown,
    FilePolicySought,
)
from apps.api.policies.places import PlaceDoor
from apps.api.problems import about
from apps.provisioning.administration import policies
from apps.scan.attachments.policy import ACTIONS, USUAL, What
from apps.scan.models import AttachmentPolicy
from apps.wire.errors import InvalidName

_COLUMNS: Final = ("what", "value", "action")
_FILE: Final = {"what": "group", "value": "program", "action": "refuse"}
_GIVES: Final = Gives(FilePolicyShown, _FILE)
_LIST: Final = Gives(
    FilePoliciesShown,
    {"items": [_FILE], "usual": [{"what": "group", "value": "program", "action": "quarantine"}]},
)
_MORE: Final = "An entry that names a file decides; where none does, the installation's or `usual`."


def _usual() -> list[dict[str, str]]:
    names = {action: name for name, action in ACTIONS.items()}
    return [
        {"what": str(what), "value": value, "action": names[action]}
        for (what, value), action in USUAL.items()
    ]


class _Files(PlaceDoor):
    def listed(self, domain_id: int | None = None) -> Response:
        self.demand_place(domain_id)
        rows = AttachmentPolicy.objects.filter(domain=domain_id).order_by("what", "value")
        values: dict[str, Any] = {"items": list(rows.values(*_COLUMNS)), "usual": _usual()}
        return self.shown(dict(FilePoliciesShown(values).data))

    def said(self, domain_id: int | None = None) -> Response:
        self.demand_place(domain_id)
        asked = self.asked(FilePolicyForm).validated_data
        with about("/value", InvalidName):
            value = policies.set_file(
                powers=self.powers,
                domain_id=domain_id,
                what=What(asked["what"]),
                value=asked["value"],
                action=asked["action"],
            )
        return self.shown(dict(FilePolicyShown({**asked, "value": value}).data))

    def taken_back(self, domain_id: int | None = None) -> Response:
        self.demand_place(domain_id)
        asked = self.sought(FilePolicySought)
        with about("?value", InvalidName):
            policies.unset_file(
                powers=self.powers,
                domain_id=domain_id,
                what=What(asked["what"]),
                value=asked["value"],
            )
        return self.gone()


class Files(_Files):
    """Of the whole installation."""

    @operation(
        "policies_files_list",
        "List what is done with attached files in all domains",
        tag=TAG,
        more="For operators.",
        gives=_LIST,
    )
    def get(self, request: Request) -> Response:
        return self.listed()

    @operation(
        "policies_files_set",
        "Say what is done with attached files of one sort in all domains",
        tag=TAG,
        more=_MORE,
        sends=Sends(FilePolicyForm, _FILE),
        gives=_GIVES,
    )
    def put(self, request: Request) -> Response:
        return self.said()

    @operation(
        "policies_files_unset",
        "Take back what was said of attached files in all domains",
        tag=TAG,
        seeks=FilePolicySought,
    )
    def delete(self, request: Request) -> Response:
        return self.taken_back()


class DomainFiles(_Files):
    """Of a domain."""

    @operation(
        "policies_domain_files_list",
        "List what is done with attached files in a domain",
        tag=TAG,
        gives=_LIST,
    )
    def get(self, request: Request, domain_id: int) -> Response:
        return self.listed(domain_id)

    @operation(
        "policies_domain_files_set",
        "Say what is done with attached files of one sort in a domain",
        tag=TAG,
        more=_MORE,
        sends=Sends(FilePolicyForm, _FILE),
        gives=_GIVES,
    )
    def put(self, request: Request, domain_id: int) -> Response:
        return self.said(domain_id)

    @operation(
        "policies_domain_files_unset",
        "Take back what was said of attached files in a domain",
        tag=TAG,
        seeks=FilePolicySought,
    )
    def delete(self, request: Request, domain_id: int) -> Response:
        return self.taken_back(domain_id)
