"""Every dialogue in tests/imap/dialogues, against a real listener and the real tables.

The tables below list what RFC 3501 and the extensions on offer have; each thing must be said in a
dialogue, so that none is spoken untested.
"""

import re
from pathlib import Path

import pytest

from apps.directory.models import User
from apps.imap.handlers.registry import COMMANDS, load
from tests.conftest import PASSWORD
from tests.imap.conftest import add_numbered
from tests.support.dialogue import Dialogue, scripts
from tests.support.imap_server import RunningServer

FOLDER = Path(__file__).parent / "dialogues"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("script", scripts(FOLDER), ids=lambda path: path.stem)
def test_it_speaks_as_written(script: Path, alice: User, bob: User, server: RunningServer) -> None:
    users = {"alice": alice, "bob": bob}

    def deliver(user: str, mailbox: str, count: int) -> None:
        add_numbered(users[user].pk, count, mailbox)

    def limit(user: str, kibibytes: int) -> None:
        User.objects.filter(pk=users[user].pk).update(quota=kibibytes * 1024)

    addresses = {name: user.address for name, user in users.items()}
    dialogue = Dialogue(server.port, deliver, addresses, PASSWORD, limit=limit)
    dialogue.run(script.read_text())


SAID = "\n".join(path.read_text() for path in scripts(FOLDER))
LINES = "\n".join(re.findall(r"^\d?C: (.*)", SAID, re.MULTILINE)).upper()

# RFC 3501 sections 6.1 to 6.4, and the commands of the extensions that are offered.
SPOKEN = set(
    """CAPABILITY NOOP LOGOUT STARTTLS AUTHENTICATE LOGIN SELECT EXAMINE CREATE DELETE RENAME
    SUBSCRIBE UNSUBSCRIBE LIST LSUB STATUS APPEND CHECK CLOSE EXPUNGE SEARCH FETCH STORE COPY MOVE
    UNSELECT IDLE NOTIFY NAMESPACE ID ENABLE SETACL DELETEACL GETACL LISTRIGHTS MYRIGHTS
    GETQUOTA GETQUOTAROOT SETQUOTA GETMETADATA SETMETADATA REPLACE COMPRESS UNAUTHENTICATE
    SORT THREAD CANCELUPDATE ESEARCH""".split()
) | {f"UID {name}" for name in "SEARCH FETCH STORE COPY MOVE EXPUNGE REPLACE SORT THREAD".split()}
SEARCH_KEYS = """
ALL ANSWERED BCC BEFORE BODY CC DELETED DRAFT FLAGGED FROM HEADER KEYWORD LARGER NEW NOT OLD ON OR
RECENT SEEN SENTBEFORE SENTON SENTSINCE SINCE SMALLER SUBJECT TEXT TO UID UNANSWERED UNDELETED
UNDRAFT UNFLAGGED UNKEYWORD UNSEEN CHARSET MODSEQ OLDER YOUNGER SAVEDBEFORE SAVEDON SAVEDSINCE
SAVEDATESUPPORTED EMAILID THREADID FUZZY
""".split()
FETCH_ITEMS = """
ALL FAST FULL BODY BODYSTRUCTURE ENVELOPE FLAGS INTERNALDATE RFC822 RFC822.HEADER RFC822.SIZE
RFC822.TEXT UID BODY[] BODY[TEXT] BODY[HEADER] BODY[HEADER.FIELDS BODY[HEADER.FIELDS.NOT BODY.PEEK[]
BODY.PEEK[TEXT] BODY.PEEK[HEADER.FIELDS BODY.PEEK[HEADER.FIELDS.NOT BODY.PEEK[1] BODY.PEEK[1.MIME]
BODY.PEEK[2.HEADER] BODY.PEEK[2.TEXT] BODY.PEEK[2.1]
BINARY[2] BINARY.PEEK[1] BINARY.SIZE[1] MODSEQ PREVIEW SAVEDATE EMAILID THREADID
""".split()
STATUS_ITEMS = """
MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN APPENDLIMIT SIZE DELETED DELETED-STORAGE HIGHESTMODSEQ
MAILBOXID
""".split()
LIST_OPTIONS = """
SUBSCRIBED REMOTE RECURSIVEMATCH SPECIAL-USE CHILDREN STATUS MYRIGHTS METADATA
""".split()


RESPONSE_CODES = """
BADCHARSET CAPABILITY PERMANENTFLAGS READ-ONLY READ-WRITE TRYCREATE UIDNEXT UIDVALIDITY UNSEEN
APPENDUID COPYUID AUTHENTICATIONFAILED ALREADYEXISTS NONEXISTENT CANNOT LIMIT EXPUNGEISSUED
HASCHILDREN TOOBIG BADURL UNKNOWN-CTE USEATTR METADATA MAILBOXID
""".split()


def test_it_knows_the_commands_of_imap() -> None:
    load()
    assert set(COMMANDS) == SPOKEN


@pytest.mark.parametrize("command", sorted(SPOKEN))
def test_it_has_a_dialogue_for_every_command(command: str) -> None:
    assert re.search(rf"^\S+ {command}\b", LINES, re.MULTILINE)


@pytest.mark.parametrize("command", sorted(SPOKEN))
def test_it_has_a_dialogue_that_refuses_each_command(command: str) -> None:
    """Said wrongly, or at the wrong time."""
    refused = rf"^(\d?)C: (\S+) {command}\b.*\n\1S: \2 (?:BAD|NO) "
    assert re.search(refused, SAID, re.MULTILINE | re.IGNORECASE)


@pytest.mark.parametrize("key", SEARCH_KEYS)
def test_it_has_a_dialogue_for_every_search_key(key: str) -> None:
    assert re.search(rf"^\S+ (?:UID )?SEARCH (?:.*[ (])?{key}(?:[ )]|$)", LINES, re.MULTILINE)


@pytest.mark.parametrize("item", FETCH_ITEMS)
def test_it_has_a_dialogue_for_every_fetch_item(item: str) -> None:
    told = rf"^\S+ (?:UID )?FETCH \S+ \(?(?:.* )?{re.escape(item)}(?:[ )<]|$)"
    assert re.search(told, LINES, re.MULTILINE)


@pytest.mark.parametrize("modifier", ["CHANGEDSINCE", "VANISHED", "PARTIAL"])
def test_it_has_a_dialogue_for_every_fetch_modifier(modifier: str) -> None:
    assert re.search(rf"^\S+ UID FETCH .* \((?:.* )?{modifier}\b", LINES, re.MULTILINE)


@pytest.mark.parametrize("option", LIST_OPTIONS)
def test_it_has_a_dialogue_for_every_option_of_list(option: str) -> None:
    assert re.search(rf"^\S+ LIST .*\((?:.* )?{option}[ )]", LINES, re.MULTILINE)


@pytest.mark.parametrize("item", STATUS_ITEMS)
def test_it_has_a_dialogue_for_every_status_item(item: str) -> None:
    assert re.search(rf"^\S+ STATUS \S+ \((?:.* )?{item}[ )]", LINES, re.MULTILINE)


@pytest.mark.parametrize("code", RESPONSE_CODES)
def test_it_has_a_dialogue_for_every_response_code(code: str) -> None:
    """RFC 3501 section 7.1, RFC 4315 section 3, RFC 5530 section 3, RFC 7889 section 4."""
    assert re.search(rf"^\d?S~?: \S+ (?:OK|NO|BAD) \[{code}[ \]]", SAID, re.MULTILINE)
