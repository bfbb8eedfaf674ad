"""From facts to findings: what files are worth in points, whoever reads them. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from apps.scan.attachments import member, policy, rules
from apps.scan.attachments.kinds import ARCHIVES
from apps.scan.attachments.walker import Facts
from apps.scan.attachments.wording import file_name, several
from apps.scan.base import Finding
from apps.scan.rulebook import Rule

_Said = Iterator[tuple[Rule, str]]

_PICTURES: Final = frozenset("png jpeg gif webp tiff icon svg video audio data".split())
_ACTIVE: Final = (ARCHIVES - {"compress", "lz4"}) | frozenset(
    "program html ole ooxml rtf shortcut jar apk onenote script pdf".split()
)
"""What a picture never is. The kinds left out are known by few octets alone."""
_CLAIMS_PICTURE: Final = frozenset("png jpg jpeg gif bmp webp tif tiff heic ico".split())


def findings(facts: Facts) -> list[Finding]:
    """One finding for each rule that files meet, in the words of the first that meets it."""
    said: dict[str, tuple[Rule, list[str]]] = {}
    for rule, words in _all(facts):
        said.setdefault(rule.name, (rule, []))[1].append(words)
    if rules.MACROS_START.name in said and rules.MACROS_RUN.name in said:
        start, run = (said.pop(one.name)[1] for one in (rules.MACROS_START, rules.MACROS_RUN))
        said[rules.MACROS_HARMFUL.name] = (rules.MACROS_HARMFUL, [f"{start[0]}; {run[0]}"])
    return [rule.found(several(words[0], len(words))) for rule, words in said.values()]


def _all(facts: Facts) -> _Said:
    for fact in facts["files"]:
        yield from _of_file(fact)
    if "too_much" in facts:
        yield rules.UNSCANNABLE, f"not all could be looked at: {facts['too_much']}"


def _of_file(fact: Mapping[str, Any]) -> _Said:
    name = file_name(fact)
    group = policy.group(fact)
    for found in fact.get("found", ()):
        if found == "script_fetches" and group == policy.SOURCE:
            continue  # programmers write such scripts all day
        if found in rules.OF_SIGNATURE:
            rule, words = rules.OF_SIGNATURE[found]
            yield rule, f"{name} {words}"
    if group in rules.OF_GROUP:
        rule, words = rules.OF_GROUP[group]
        yield rule, f"{name} {words}"
    for trick in fact.get("tricks", ()):
        yield rules.DISGUISED, f"the name {name} of a file that may do harm has {trick}"
    for oddity in fact.get("odd", ()):
        yield rules.NAME_ODD, f"the name {name} {oddity}"
    if _lies(fact):
        yield rules.TYPE_LIES, f"{name} claims to be a picture or a PDF and is {fact['kind']}"
    yield from _conditions(fact, name)


def _conditions(fact: Mapping[str, Any], name: str) -> _Said:
    marks = fact.get("marks", ())
    if fact["kind"] == "html" and member.SHOWN not in marks and len(fact["path"]) == 1:
        yield rules.PAGE, f"{name} is a web page"
    if member.LOCKED in marks:
        yield rules.ENCRYPTED, f"a password is needed to open {name}"
    if member.MACROS in marks:
        yield rules.MACROS, f"{name} has macros"
    if member.UNREAD in marks:
        why = ": libarchive is not on this machine" if member.MISSING in marks else ""
        yield rules.UNREAD, f"what is in {name} cannot be unpacked here{why}"
    if fact.get("why_not"):
        yield rules.UNSCANNABLE, f"{name} could not be looked at: {fact['why_not']}"


def _lies(fact: Mapping[str, Any]) -> bool:
    kind, declared = fact["kind"], fact.get("declared", "")
    if kind not in _ACTIVE:
        return False
    endings = frozenset(fact.get("endings", ()))
    if (declared.startswith("image/") and kind != "pdf") or endings & _CLAIMS_PICTURE:
        return declared != "image/svg+xml" and kind not in _PICTURES
    return kind != "pdf" and (declared == "application/pdf" or "pdf" in endings)
