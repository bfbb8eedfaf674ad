"""SORT and THREAD of random mail as Dovecot 2.3 answers, which has both since they were drafts.

The mail has what the rules of RFC 5256 are about: subjects that begin with all kinds of Re: and
end with (fwd), blobs, groups, quoted Message-IDs, some that stand twice, references to mail that
comes later or is not there, dates in all zones or none. The answers were measured; where both agree
there is nothing left to argue.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from apps.directory.models import User
from apps.mailstore import queries
from apps.mailstore.origin import Origin
from apps.mailstore.services.append import Appending, append
from apps.mailstore.services.prepare import prepare
from apps.runtime.ulid import new_ulid
from tests.imap.test_fetch import selected
from tests.support.imap_server import RunningServer

CORPORA = sorted((Path(__file__).parent / "agreed_order").glob("*.json"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("corpus", CORPORA, ids=lambda path: path.stem)
def test_it_puts_mail_into_the_same_order(corpus: Path, alice: User, server: RunningServer) -> None:
    held: dict[str, Any] = json.loads(corpus.read_text())
    inbox = next(row for row in queries.mailboxes(alice.pk) if row.name == "INBOX")
    messages = [
        Appending(prepare(one["raw"].encode(), trace_id=new_ulid()), one["internaldate"])
        for one in held["messages"]
    ]
    append(mailbox_id=inbox.id, user_id=alice.pk, messages=messages, origin=Origin("t", alice.pk))
    answers: dict[str, str] = {}
    with selected(server, alice) as client:
        for command in held["answers"]:
            verb, how = command.split(" ", 1)
            condition, told = client.uid(verb, how, "UTF-8", "ALL")
            assert condition == "OK"
            answers[command] = told[0].decode()
    assert answers == held["answers"]
