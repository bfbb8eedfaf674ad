"""Whoever adds a way to change something adds a record of it, or says here why there is none."""

from pathlib import Path
from typing import Final

import pytest

from apps.audit.words import SENTENCES
from tests.audit import callgraph
from tests.audit.callgraph import Graph
from tests.support import house
from tests.support.house import Source

ROOT = Path(__file__).resolve().parents[2]
CODE = house.sources(ROOT, "apps")

# Where administrators and users come in; the other doors are mail programs.
DOORS = (
    "apps.api.",
    "apps.console.",
    "apps.webmail.",
    "apps.provisioning.",
    "apps.delivery.management.",
    "apps.ops.management.commands.backup",
    "apps.ops.management.commands.fsck",
    "apps.ops.management.commands.restore",
    "apps.search.management.",
)

# What writes without a record, and why. A name with a dot at its end is a whole package.
MAIL: Final = "mail itself: its journal of changes and its trace tell of it"
OWN: Final = "what the service keeps for itself; nobody decides anything by it"
PART: Final = "a part of what its callers record"
LETTER: Final = "a letter that a person is writing; what is sent of it is mail"
EXCEPTED: Final = {
    "apps.mailstore.": MAIL,
    "apps.mailqueue.": MAIL,
    "apps.scan.services.quarantine.": MAIL + "; of administrators `scan.services.copies` does",
    "apps.scan.services.lessons.": "what `scan.services.learning` records or reads off a journal",
    "apps.scan.services.digests.claim": "a letter is about to go",
    "apps.api.services.replays.": "the answer to a request that may be sent again",
    "apps.webhooks.services.deliveries._note": "how an endpoint answers; its end is recorded",
    "apps.webhooks.services.deliveries.settle": "what was answered; its log is the delivery itself",
    "apps.webhooks.services.interests.": OWN,
    "apps.blobs.": OWN,
    "apps.trace.": OWN,
    "apps.search.": "an index, which can be made anew at any time",
    "apps.demo.services.settle": "a demo is made, by nobody in it",
    "apps.remote.services.add_sessions": OWN,
    "apps.remote.services.keep_sts": OWN,
    "apps.console.services.bulkacts.": "how to take an act back; each act is recorded itself",
    "apps.directory.services.oauth._grant": "the token that it makes is recorded",
    "apps.directory.services.oauth._turned": "the next token of a program; the first is recorded",
    "apps.directory.services.oauth.exchange": "the token that it makes is recorded",
    "apps.directory.services.oauth.prune": "what was over",
    "apps.console.services.imports._delete": "a file that is no longer wanted",
    "apps.console.services.imports._forget": "a file that is no longer wanted",
    "apps.console.services.imports._wipe_unused": PART,
    "apps.console.services.imports._write": PART,
    "apps.console.services.imports.finish": "what was added is recorded line by line",
    "apps.console.services.imports.prune": OWN,
    "apps.console.services.imports.take": "a file that was only looked at",
    "apps.console.services.importwork.": "what is done with each line is recorded by its door",
    "apps.dnscheck.services.keeping.": OWN,
    "apps.dnscheck.services.checks.request": OWN,
    "apps.dnscheck.services.checks._row": OWN,
    "apps.demo.": "a world of its own, whose people are made through these doors",
    "apps.accounts.sessions.": "a browser's own session",
    "apps.accounts.services.sessions.begin": "a browser's own session; the sign-in is history",
    "apps.accounts.services.sessions.change": "a browser's own session",
    "apps.accounts.services.sessions.see": "a browser's own session",
    "apps.accounts.services.sessions.forget": "a browser's own session: signed out, or begun anew",
    "apps.accounts.services.sessions.clear": "sessions that were over",
    "apps.accounts.services.authenticators.start": "nothing counts before the first code is right",
    "apps.accounts.services.authenticators.take": "a sign-in, which is history",
    "apps.accounts.services.passkeys._check": "a sign-in, which is history",
    "apps.accounts.services.recoverycodes.take": "a sign-in, which is history",
    "apps.accounts.services.trusted.is_trusted": "a sign-in, which is history",
    "apps.accounts.services.trusted.trust": "a sign-in, which is history",
    "apps.accounts.services.standing._settle": PART,
    "apps.directory.services.history.": "the history of sign-ins is a log itself",
    "apps.directory.services.credentials.note_use": "a sign-in",
    "apps.directory.services.accountlinks.": "a link does nothing; what is done by it is recorded",
    "apps.directory.services.links.take_setup": PART,
    "apps.directory.services.letters.may_go": OWN,
    "apps.directory.services.limits.prune": OWN,
    "apps.directory.services.limits.Tally.": "counts of what a person sends",
    "apps.directory.services.limits._add": "counts of what a person sends",
    "apps.directory.services.limits.is_news": OWN,
    "apps.reception.services.correspondents.note": "whom a person wrote to",
    "apps.directory.services.forwards.forget_old": "questions that nobody answered",
    "apps.directory.services.aliases.delete_some": "with their domain, whose removal is recorded",
    "apps.directory.services.transports.forget_sender": "with its domain",
    "apps.directory.services.targets.": PART,
    "apps.directory.services.renaming._write": PART,
    "apps.directory.services.renaming._leave_organization": PART,
    "apps.directory.services.dkim.keep": PART,
    "apps.directory.services.sealed._one": PART,
    "apps.directory.services.users._insert": PART,
    "apps.directory.services.users.take_over_postmaster": PART,
    "apps.directory.services.users.renew_hash": "the same password, hashed anew at its sign-in",
    "apps.directory.services.users.set_has_factor": "follows from factors, whose changes are",
    "apps.directory.services.users.scram_basis": "made when it is first needed; opens nothing",
    "apps.webmail.easel.": "saves pictures, not rows",
    "apps.webmail.services.preferences.": "how a person's own pages look",
    "apps.webmail.services.labels.": "how a person calls and colours their own mail",
    "apps.webmail.services.looks.": "colours, for the eyes of one person",
    "apps.webmail.services.trusted.": "how a person's own mail is shown to them",
    "apps.webmail.services.abandoned.": LETTER,
    "apps.webmail.services.carrying.": LETTER,
    "apps.webmail.services.draftfiles.": LETTER,
    "apps.webmail.services.draftrows.": LETTER,
    "apps.webmail.services.drafts.": LETTER,
    "apps.webmail.services.scheduled.": MAIL,
    "apps.webmail.services.sending.": MAIL,
    "apps.webmail.services.snooze.": MAIL,
    "apps.contacts.services.": "whom a person knows is nobody else's matter",
    "apps.webmail.asking.take": "a question to a passkey, in the session that asks",
}


@pytest.fixture(scope="module")
def graph() -> Graph:
    """Of the whole code; to draw it takes seconds."""
    return Graph(CODE)


def test_whatever_a_door_can_change_is_recorded(graph: Graph) -> None:
    assert graph.unrecorded(DOORS, EXCEPTED) == []


def test_no_exception_is_for_what_is_not_there(graph: Graph) -> None:
    names = graph.functions
    gone = [
        name
        for name in EXCEPTED
        if name not in names and not any(one.startswith(name) for one in names if name[-1] == ".")
    ]
    assert gone == []


def test_every_action_has_a_sentence() -> None:
    nameless = [
        f"{source.path}:{line}: {action or 'an action that is not written out'}"
        for source in CODE
        for line, action in callgraph.actions(source)
        if action not in SENTENCES
    ]
    assert nameless == []


def test_every_sentence_has_an_action_and_one_place_for_its_subject() -> None:
    used = {action for source in CODE for _, action in callgraph.actions(source)}
    assert set(SENTENCES) - used == set()
    assert [action for action, words in SENTENCES.items() if words.count("{}") > 1] == []


COMMAND = Source(
    "apps/provisioning/management/commands/lamp.py",
    """
from apps.provisioning import lamps

class Command:
    def do_on(self, options):
        self._light(options)

    def _light(self, options):
        lamps.light(options["name"])
        act = getattr(lamps, options["how"])
""",
)
DOOR = """
from apps.directory.services import lamps as rows
from apps.audit.services import record

def light(name):
    rows.burn(name)

def dim(name):
    record("lamp.dim", subject=name)
    rows.burn(name)
"""
SERVICE = """
from apps.directory.models import Lamp
from apps.audit.services import record

def burn(name):
    {}
    _burn(name)

def _burn(name):
    Lamp.objects.filter(name=name).update(burns=True)
"""


def planted(service: str = "pass", door: str = DOOR) -> list[str]:
    graph = Graph(
        [
            COMMAND,
            Source("apps/provisioning/lamps.py", door),
            Source("apps/directory/services/lamps.py", SERVICE.replace("{}", service)),
        ]
    )
    return graph.unrecorded(["apps.provisioning.management."], {})


def test_the_law_finds_a_planted_breach_behind_two_floors_and_a_method() -> None:
    assert planted() == ["apps.directory.services.lamps._burn"]


def test_it_is_content_with_a_record_on_the_way() -> None:
    assert planted('record("lamp.burn", subject=name)') == []
    assert planted(door=DOOR.replace("    rows.burn", "    record('lamp.on')\n    rows.burn")) == []


def test_one_door_that_records_does_not_excuse_another() -> None:
    only_dim = DOOR.replace("def light(name):\n    rows.burn(name)", "def light(name):\n    pass")
    assert planted(door=only_dim) == []
    assert planted(door=DOOR) != []


def test_a_function_that_is_only_handed_on_counts_as_called() -> None:
    handed = DOOR.replace("rows.burn(name)\n\ndef dim", "each(name, rows.burn)\n\ndef dim")
    assert planted(door=handed) == ["apps.directory.services.lamps._burn"]


def test_an_exception_is_not_looked_into() -> None:
    graph = Graph(
        [
            COMMAND,
            Source("apps/provisioning/lamps.py", DOOR),
            Source("apps/directory/services/lamps.py", SERVICE.replace("{}", "pass")),
        ]
    )
    for name in ("apps.directory.services.lamps.", "apps.directory.services.lamps._burn"):
        assert graph.unrecorded(["apps.provisioning."], {name: "a lamp is a lamp"}) == []


def test_an_action_is_found_where_it_is_written() -> None:
    text = """
from apps.audit.services import record
TABLE = {1: "lamp.on", 0: "lamp.off"}
def light(x):
    record(TABLE[x])
    record("lamp.dim" if x else "lamp.burn")
    record(f"lamp.{x}")
    _record("lamp.break", x)
def _record(action, x):
    record(action, subject=x)
"""
    found = [action for _, action in callgraph.actions(Source("apps/lamp.py", text))]
    assert found == ["lamp.on", "lamp.off", "lamp.dim", "lamp.burn", "", "lamp.break"]
