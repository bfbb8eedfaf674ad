"""Tokens of the interface for programs: who may issue which, and what they are good for."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.audit.models import AuditRecord
from apps.directory import apitokens
from apps.directory.apitokens import KnownApiToken
from apps.directory.models import ApiToken, Kind, Role, User
from apps.directory.permissions import Ability, Grant, Place, Powers, within
from apps.directory.services import apitokens as services
from apps.directory.services import organizations
from apps.provisioning import services as provisioning
from apps.wire.errors import InvalidName, LimitReached, NotFound, NotPermitted

LATER = timezone.now() + timedelta(days=30)


def issue(user: User, **given: Any) -> str:
    return services.issue(**{"user": user, "name": "robot", "scopes": ["users:read"], **given})[1]


def known(text: str) -> KnownApiToken:
    found = apitokens.find(text)
    assert found is not None
    return found


def test_the_text_is_kept_nowhere(alice: User) -> None:
    text = issue(alice, scopes=["users:write", "domains:read", "domains:read"])

    row = ApiToken.objects.get()
    assert text.startswith("mhk_")
    assert text not in repr(row.__dict__)
    assert row.scopes == "domains:read users:write"
    assert row.hint == text[-4:]
    assert text not in repr(list(AuditRecord.objects.values_list()))
    assert known(text).user_id == alice.pk


@pytest.mark.parametrize(
    "given",
    [
        {"name": ""},
        {"name": "a\nb"},
        {"scopes": []},
        {"scopes": ["users"]},
        {"scopes": ["*:read"]},
        {"networks": ["10.0.0.1/8"]},
        {"networks": ["here"]},
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"places": []},
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], alice: User) -> None:
    with pytest.raises(InvalidName):
        issue(alice, **given)
    assert not ApiToken.objects.exists()


def test_a_shared_mailbox_has_none(alice: User) -> None:
    box, _ = provisioning.add_user("box@example.test", None, kind=Kind.SHARED)
    with pytest.raises(InvalidName) as caught:
        issue(box)
    assert "Only a person" in caught.value.reply.text


def test_two_of_a_user_have_not_the_same_name(alice: User, bob: User) -> None:
    issue(alice)
    issue(bob)
    with pytest.raises(InvalidName) as caught:
        issue(alice)
    assert "already" in caught.value.reply.text


def test_a_user_has_up_to_fifty(alice: User) -> None:
    for number in range(50):
        issue(alice, name=str(number))
    with pytest.raises(LimitReached):
        issue(alice)


def test_an_alias_domain_is_no_place(alice: User) -> None:
    alias = provisioning.add_domain("alias.test", alias_of="example.test")
    with pytest.raises(InvalidName) as caught:
        issue(alice, places=[alias])
    assert "alias" in caught.value.reply.text


def test_a_revoked_one_is_none(alice: User) -> None:
    text = issue(alice)
    services.revoke(user=alice, name="robot")

    assert apitokens.find(text) is None
    with pytest.raises(NotFound):
        services.revoke(user=alice, name="robot")


@pytest.mark.parametrize(
    ("own", "wanted"),
    [
        ({"scopes": ["users:read"]}, {"scopes": ["users:write"]}),
        ({"scopes": ["users:write"]}, {"scopes": ["domains:read"]}),
        ({"networks": ["10.0.0.0/8"]}, {}),
        ({"networks": ["10.0.0.0/8"]}, {"networks": ["10.0.0.0/7"]}),
        ({"networks": ["10.0.0.0/8"]}, {"networks": ["10.1.0.0/16", "::/0"]}),
        ({"expires_at": LATER}, {}),
        ({"expires_at": LATER}, {"expires_at": LATER + timedelta(seconds=1)}),
    ],
)
def test_a_token_makes_no_stronger_one(
    own: dict[str, Any], wanted: dict[str, Any], alice: User
) -> None:
    by = known(issue(alice, **own))
    with pytest.raises(NotPermitted):
        issue(alice, name="child", by=by, **wanted)


def test_a_token_makes_none_for_other_places(alice: User, eve: User) -> None:
    home, other = alice.domain, eve.domain
    assert home is not None
    assert other is not None
    by = known(issue(alice, places=[home]))

    for places in (None, [other], [home, other], [home.organization]):
        with pytest.raises(NotPermitted):
            issue(alice, name="child", by=by, places=places)
    issue(alice, name="child", by=by, places=[home])


def test_a_token_makes_a_weaker_one(alice: User) -> None:
    by = known(issue(alice, scopes=["users:write"], networks=["10.0.0.0/8"], expires_at=LATER))
    issue(alice, name="child", by=by, networks=["10.1.0.0/16"], expires_at=LATER)


def test_a_token_of_an_organisation_makes_one_of_its_domain(alice: User) -> None:
    assert alice.domain is not None
    by = known(issue(alice, places=[alice.domain.organization]))
    issue(alice, name="child", by=by, places=[alice.domain])


HOME = Place(None, 3, 1)


@pytest.mark.parametrize(
    ("grant", "place", "left"),
    [
        (Grant(Role.OPERATOR), Place(1), Grant(Role.RESELLER, 1)),
        (Grant(Role.OPERATOR), HOME, Grant(Role.RESELLER, None, 3, 1)),
        (Grant(Role.RESELLER, 1), Place(1), Grant(Role.RESELLER, 1)),
        (Grant(Role.RESELLER, 1), HOME, Grant(Role.RESELLER, None, 3, 1)),
        (Grant(Role.RESELLER, 1), Place(2), None),
        (Grant(Role.RESELLER, 2), HOME, None),
        (Grant(Role.HELPDESK, 1, may_reset=True), HOME,
         Grant(Role.HELPDESK, None, 3, 1, may_reset=True)),
        (Grant(Role.DOMAIN_ADMIN, None, 3, 1), Place(1), Grant(Role.DOMAIN_ADMIN, None, 3, 1)),
        (Grant(Role.DOMAIN_ADMIN, None, 3, 1), HOME, Grant(Role.DOMAIN_ADMIN, None, 3, 1)),
        (Grant(Role.DOMAIN_ADMIN, None, 4, 1), HOME, None),
        (Grant(Role.DOMAIN_ADMIN, None, 4, 2), Place(1), None),
    ],
)  # fmt: skip
def test_powers_in_a_place_are_never_more(grant: Grant, place: Place, left: Grant | None) -> None:
    powers = within(Powers(1, (grant,)), [place])

    assert powers.grants == (() if left is None else (left,))
    assert Powers(1, (grant,)).covers(powers.grants)
    for ability in Ability:
        assert powers.may(ability) <= Powers(1, (grant,)).may(ability)


def test_powers_in_no_place_are_none(alice: User) -> None:
    assert not within(Powers(1, (Grant(Role.OPERATOR),)), [])


def test_a_place_that_goes_takes_the_rest_of_nothing_along(alice: User) -> None:
    gone = organizations.create(name="Gone")
    text = issue(alice, places=[gone])
    organizations.delete(organization_id=gone.pk)

    assert known(text).places == ()
