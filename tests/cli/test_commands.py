"""Operations as commands: `mailhost NOUN VERB`, on this installation."""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import pytest

from apps.audit.models import AuditRecord
from apps.cli import guide, running
from apps.cli.calling import Call, option_of, parser_of
from apps.cli.contract import Contract, Field, read
from apps.cli.failures import Failed
from apps.cli.main import add_ours
from apps.cli.printing import Output
from apps.directory.models import Domain, Transport
from apps.provisioning import services as provisioning
from tests.cli.conftest import Scripted, Type, lines

CONTRACT = read()
PAGED = CONTRACT.nouns["organizations"]["list"]


def test_every_operation_is_a_command_that_tells_what_it_takes() -> None:
    for one in CONTRACT.operations:
        assert CONTRACT.nouns[one.noun][one.verb] is one, "two operations are one command"
        told = parser_of(one, add_ours).format_help()
        assert one.summary.split()[0] in told
        for field in one.form:
            assert f"{option_of(field)} " in told, (one.id, field.name)


def test_its_help_names_all_nouns_and_the_commands_of_the_machine(types: Type) -> None:
    shown = types("help")
    assert (shown.status, shown.err) == (0, "")
    assert set(CONTRACT.nouns) <= set(shown.out.split())
    assert {"serve", "backup", "user"} <= set(shown.out.split())
    assert types().out == types("--help").out == shown.out
    verbs = types("organizations", "--help")
    told = [line.split()[0] for line in lines(verbs) if line.startswith("  ")]
    assert told[: len(CONTRACT.nouns["organizations"])] == list(CONTRACT.nouns["organizations"])


def test_the_life_of_an_organisation(types: Type, db: None) -> None:
    made = types("organizations", "create", "--name", "Bauer & Söhne", "--max-users", "5")
    assert (made.status, made.err) == (0, "")
    assert "name         Bauer & Söhne" in lines(made)
    types("organizations", "create", "--name", "Other")

    table = lines(types("organizations", "list"))
    assert table[0].split()[:3] == ["ID", "NAME", "STATE"]
    assert [line.split()[1] for line in table[1:]] == ["Bauer", "Other"]

    # A name is as good as an id, for the thing itself and where it is referred to.
    assert (
        json.loads(types("organizations", "show", "bauer & söhne", "--json").out)["max_users"] == 5
    )
    types("domains", "create", "--name", "example.org", "--organization", "Bauer & Söhne")
    assert Domain.objects.get().organization.name == "Bauer & Söhne"
    told = types(
        "organizations", "change", "Other", "--max-users", "null", "--columns", "max_users"
    )
    assert told.out == "max_users  -\n"

    assert types("organizations", "delete", "Other").out == ""
    left = json.loads(types("organizations", "list", "--json", "--columns", "name").out)
    assert left == [{"name": "Bauer & Söhne"}]
    record = AuditRecord.objects.order_by("-pk").first()
    assert record is not None
    assert record.door == "command"


def test_it_says_what_is_wrong_with_the_option_that_is_meant(types: Type, db: None) -> None:
    provisioning.add_domain("example.org", organization="A")
    for words, status, told in [
        (("organizations", "create", "--name", "A"), 1, "--name: "),
        (("organizations", "create"), 2, "Missing: --name."),
        (("organizations", "create", "--name", "B", "--max-users", "many"), 2, "--max-users"),
        (("organizations", "create", "--nam", "B"), 2, "--nam"),
        (("organizations", "show", "nobody"), 1, "nothing called 'nobody' in organizations"),
        (("organizations", "show", "99"), 1, "Error: "),
        (("domains", "change", "example.org", "--state", "gone"), 2, "active, locked, suspended"),
        (("domains", "change", "example.org", "--greylists", "maybe"), 2, "neither true nor false"),
        (("domains", "create", "--name", "-"), 1, "--name: "),
        (("domains", "list", "--limit", "0"), 2, "1 at least"),
        (("domains", "list", "--columns", "nothing"), 2, "There is no nothing here, but: id"),
        (("domains", "paint"), 2, "domain" if "domains" in guide.commands() else "no 'paint'"),
        (("nothing", "list"), 2, "There is no 'nothing' here"),
        (("tokens", "list"), 1, "nobody is signed in"),
    ]:
        shown = types(*words)
        assert (shown.status, shown.out) == (status, ""), words
        assert told in shown.err, words
        assert "Traceback" not in shown.err
    problem = json.loads(types("organizations", "create", "--name", "A", "--json").err)
    assert (problem["status"], problem["errors"][0]["pointer"]) == (409, "/name")


def test_a_secret_comes_from_a_file_and_never_from_the_words(
    types: Type, written: Callable[[str], str], db: None
) -> None:
    provisioning.add_domain("example.org", organization="A")
    words = ["domain-smarthost", "set", "example.org", "--host", "smtp.example.net"]
    words += ["--username", "me"]
    assert types(*words, "--password", "sesame").status == 2
    done = types(*words, "--password-file", written("open sesame\n"))
    assert (done.status, "sesame" in done.out) == (0, False), done.err
    assert types(*words, "--password-file", "-", typed="second\n").status == 0
    assert Transport.objects.count() == 1
    assert types(*words, "--password-file", written("")).err.startswith("Error: --password-file")
    assert types(*words, "--password-file", "/nowhere").status == 2


def test_a_body_comes_from_a_file_and_options_count_before_it(
    types: Type, written: Callable[[str], str], db: None
) -> None:
    file = written('{"name": "A", "max_users": 5}')
    assert types("organizations", "create", "--input", file, "--name", "B").status == 0
    told = types("organizations", "list", "--json", "--columns", "name,max-users")
    assert json.loads(told.out) == [{"name": "B", "max_users": 5}]
    assert "not JSON" in types("organizations", "create", "--input", written("{")).err
    assert "brace" in types("organizations", "create", "--input", written("[]")).err


def test_what_is_sent_twice_with_one_key_is_done_once(types: Type, db: None) -> None:
    words = ("organizations", "create", "--name", "A", "--idempotency-key", "k", "--json")
    assert types(*words).out == types(*words).out


def test_a_condition_is_sent(types: Type, db: None) -> None:
    types("organizations", "create", "--name", "A")
    refused = types("organizations", "delete", "A", "--if-match", '"old"')
    assert (refused.status, "changed meanwhile" in refused.err) == (1, True)


def test_text_is_handed_on_as_it_is(types: Type, db: None) -> None:
    provisioning.add_domain("example.org", organization="A")
    zone = types("domain-zone", "show", "EXAMPLE.org")
    assert "$ORIGIN example.org." in lines(zone)


def test_there_is_no_budget_at_home(types: Type, settings: object, db: None) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1  # type: ignore[attr-defined]
    assert [types("organizations", "list").status for _ in range(3)] == [0, 0, 0]


def test_commands_of_the_machine_are_left_to_django(types: Type) -> None:
    shown = types("backup", "--help")
    assert (shown.status, "usage: mailhost backup" in shown.out) == (0, True)
    wrong = types("--json", "backup", "--help")
    assert (wrong.status, "--json" in wrong.err) == (2, True)


def _page(names: list[str], following: str | None) -> tuple[int, dict[str, str], bytes]:
    items = [{"id": number, "name": name} for number, name in enumerate(names)]
    body = json.dumps({"items": items, "next": following}).encode()
    return 200, {"content-type": "application/json"}, body


def test_it_turns_pages_until_it_has_what_was_asked_for() -> None:
    server = Scripted([_page(["a", "b"], "one"), _page(["c"], None)])
    stream = BytesIO()
    output = Output(stream, is_json=True, columns=("name",))
    assert running.run(CONTRACT, server, Call(PAGED), output) == 0
    assert json.loads(stream.getvalue()) == [{"name": "a"}, {"name": "b"}, {"name": "c"}]
    assert [one.path for one in server.asked] == [
        "organizations?limit=1000",
        "organizations?limit=1000&cursor=one",
    ]
    few = Scripted([_page(["a", "b"], "one")])
    running.run(CONTRACT, few, Call(PAGED, most=2), Output(BytesIO()))
    assert [one.path for one in few.asked] == ["organizations?limit=2"]


def test_of_several_of_one_name_none_is_taken_for_the_other() -> None:
    """A user may have several roles: which one shall go?"""
    contract = Contract(SEVERAL)
    call = Call(contract.nouns["roles"]["revoke"], {"grant_id": "ann@example.org"})
    server = Scripted([_page(["ann@example.org"] * 2, None)])
    with pytest.raises(Failed, match="Several in roles"):
        running.run(contract, server, call, Output(BytesIO()))
    mine = Scripted([_page(["Ann@example.org", "ann@example.org"], None), (204, {}, b"")])
    assert running.run(contract, mine, call, Output(BytesIO())) == 0
    assert (mine.asked[-1].method, mine.asked[-1].path) == ("DELETE", "roles/1")


_NUMBER = {"type": "integer"}
_ITEM = {"type": "object", "properties": {"id": _NUMBER, "name": {"type": "string"}}}
_LIST = {"type": "object", "properties": {"items": {"type": "array", "items": _ITEM}}}
SEVERAL = {
    "paths": {
        "/api/v1/roles": {
            "get": {
                "operationId": "roles_list",
                "responses": {"200": {"content": {"application/json": {"schema": _LIST}}}},
            }
        },
        "/api/v1/roles/{grant_id}": {
            "delete": {
                "operationId": "roles_revoke",
                "parameters": [{"in": "path", "name": "grant_id", "schema": _NUMBER}],
                "responses": {"204": {}},
            }
        },
    }
}


def test_what_strangers_wrote_drives_no_terminal() -> None:
    evil = "a\x1b[31m\u202eb\nc\x9b"
    for is_json in (False, True):
        stream = BytesIO()
        output = Output(stream, is_json=is_json)
        output.things(PAGED, [{"id": 1, "name": evil}])
        output.thing({"name": evil, "parts": [{"name": evil}], "more": {"name": evil}})
        text = stream.getvalue().decode()
        assert not {"\x1b", "\u202e", "\x9b"} & set(text)
    stream = BytesIO()
    Output(stream, is_terminal=True).octets([b"Subject: \x1b[2J\x9bx\r\n\tbody\n"])
    assert stream.getvalue() == "Subject: ?[2J\ufffdx\n    body\n".encode()


def test_a_table_is_as_wide_as_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    stream = BytesIO()
    Output(stream).things(PAGED, [{"id": 1, "name": "x" * 100, "state": "active"}])
    heading, row = stream.getvalue().decode().splitlines()
    assert heading.split()[:2] == ["ID", "STATE"]
    assert len(row) <= 30


def test_a_line_of_many_that_was_refused_is_told_by_the_status() -> None:
    zone = CONTRACT.nouns["domain-zone"]["show"]
    operation = replace(zone, gives="application/x-ndjson")
    body = b'{"line": 1, "status": 201, "result": {}}\n{"line": 2, "problem": {"code": "x"}}\n'
    server = Scripted([(200, {"content-type": "application/x-ndjson"}, body)])
    stream = BytesIO()
    places = {one.name: 1 for one in operation.places}
    assert running.run(CONTRACT, server, Call(operation, places), Output(stream)) == 1
    assert stream.getvalue() == body


def test_a_field_that_is_called_as_an_option_of_ours_is_still_within_reach() -> None:
    parser = ArgumentParser()
    add_ours(parser)
    ours = {name for one in parser._actions for name in one.option_strings}
    assert "--json" in ours
    for one in CONTRACT.operations:
        assert not ours & {option_of(field) for field in (*one.query, *one.form)}
    assert option_of(Field("json", "string")) == "--field-json"
