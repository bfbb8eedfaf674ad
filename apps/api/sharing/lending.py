"""Who writes in whose name, and with whom folders are shared."""

from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.operations import Gives, Sends, operation
from apps.api.problems import about
from apps.api.sharing.forms import DelegateForm, LendingShown, ShareSought, sending, sent
from apps.api.sharing.views import TAG, SharingDoor
from apps.directory.models import User
from apps.directory.permissions import Ability, Powers
from apps.provisioning.administration import delegations, shares
from apps.provisioning.administration.lending import Lent, Shared, lending_of
from apps.provisioning.administration.sight import demand_on, find_user
from apps.wire.errors import InvalidAddress, InvalidName, NotFound

_EXAMPLE: Final = {
    "delegates": [{"id": 113, "delegate": 113, "address": "bob@example.org", "sending": "as"}],
    "writes_for": [],
    "shared_with": [{"address": "anyone", "folders": 2}],
    "reads_of": [],
    "is_whole": True,
}
_GIVES: Final = Gives(LendingShown, _EXAMPLE)


def _shown(powers: Powers, user: User) -> dict[str, Any]:
    found = lending_of(powers, user)
    values = {
        "delegates": [_lent(one) for one in found.by],
        "writes_for": [_lent(one) for one in found.to],
        "shared_with": [_shared(one) for one in found.shared],
        "reads_of": [_shared(one) for one in found.reads],
        "is_whole": not found.has_more,
    }
    return dict(LendingShown(values).data)


def _lent(one: Lent) -> dict[str, Any]:
    return {
        "id": one.id,
        "delegate": one.delegate_id,
        "address": "" if one.id is None else one.who,
        "sending": sending(is_as=one.send_as, is_on_behalf=one.on_behalf),
    }


def _shared(one: Shared) -> dict[str, Any]:
    return {"address": one.who if one.is_seen else "", "folders": one.folders}


class Lending(SharingDoor):
    """All of it."""

    @operation(
        "user_sharing_show",
        "Show what a user lets others do, and may do for others",
        tag=TAG,
        gives=_GIVES,
    )
    def get(self, request: Request, user_id: int) -> Response:
        return self.shown(_shown(self.powers, find_user(self.powers, user_id)))


class Delegates(SharingDoor):
    """Who writes in a user's name."""

    @operation(
        "user_delegates_set",
        "Let somebody write in a user's name, or change how",
        tag=TAG,
        more="Also for a shared mailbox. A person is told.",
        sends=Sends(DelegateForm, {"delegate": "bob@example.org", "sending": "as"}),
        gives=_GIVES,
    )
    def post(self, request: Request, user_id: int) -> Response:
        asked = self.asked(DelegateForm).validated_data
        owner = find_user(self.powers, user_id)
        with about("/delegate", NotFound, InvalidAddress, InvalidName):
            delegations.grant(
                powers=self.powers,
                owner_id=user_id,
                delegate=asked["delegate"],
                **sent(asked["sending"]),
            )
        return self.shown(_shown(self.powers, owner))


class Delegate(SharingDoor):
    """One of them."""

    @operation(
        "user_delegates_delete",
        "Let somebody no longer write in a user's name",
        tag=TAG,
        more="A person is told.",
    )
    def delete(self, request: Request, user_id: int, delegate_id: int) -> Response:
        delegations.revoke(powers=self.powers, owner_id=user_id, delegate_id=delegate_id)
        return self.gone()


class Shares(SharingDoor):
    """Folders that a user has shared."""

    @operation(
        "user_shares_delete",
        "Take back all rights that somebody has in a user's folders",
        tag=TAG,
        more="The owner is told. Nobody is let read a person's mail here: that is for its owner.",
        seeks=ShareSought,
    )
    def delete(self, request: Request, user_id: int) -> Response:
        demand_on(self.powers, Ability.CHANGE_ALIASES, find_user(self.powers, user_id))
        whom = self.sought(ShareSought)["address"]
        shares.take_back(powers=self.powers, owner_id=user_id, user=whom)
        return self.gone()
