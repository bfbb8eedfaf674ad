"""Who is signed in is looked at again, and only who was looked at is ended."""

import asyncio

import pytest

from apps.directory import authentication
from apps.directory.authentication import Principal
from apps.directory.models import State, User
from apps.directory.signedin import REASON, SignedIn
from apps.runtime.db import in_db

pytestmark = pytest.mark.django_db(transaction=True)


class Door:
    """A connection that notes its end."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.ended = asyncio.Event()

    def end(self, reason: str) -> None:
        self.reasons.append(reason)
        self.ended.set()


def sign_in(user: User) -> Principal:
    return authentication.authenticate(
        username=user.address, password="correct horse battery", address="192.0.2.1", door="imap"
    )


async def test_it_leaves_who_came_while_it_looked(alice: User, bob: User) -> None:
    signed_in, suspended, newcomer = SignedIn(), Door(), Door()
    signed_in.add(suspended, await in_db("read", sign_in, alice))
    await in_db("write", User.objects.filter(pk=alice.pk).update, state=State.SUSPENDED)
    arriving = await in_db("read", sign_in, bob)
    signed_in.look()
    await asyncio.sleep(0)  # it has asked for those whom it knew
    signed_in.add(newcomer, arriving)
    async with asyncio.timeout(20):
        await suspended.ended.wait()
    signed_in.close()
    assert suspended.reasons == [REASON]
    assert newcomer.reasons == []
