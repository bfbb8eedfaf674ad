"""DKIM: the record of one key (RFC 6376 section 3.6.1). Pure."""

from apps.dnscheck.judging.evidence import Case, Verdict, better, missing, right, wrong
from apps.mailauth.keys import KeyRecordError, PublicKey, WeakKeyError, parse_record


def judge(case: Case, records: tuple[str, ...]) -> Verdict:
    """Whether others can check signatures by it."""
    if not records:
        return missing(case, "DKIM record")
    if len(records) > 1:
        return _several(case, records)
    (text,) = records
    if text.startswith(('"', "'", "\\", "“")) or text.endswith('"'):
        sentence = "The record has quotes that are part of it: type it without quotes."
        return wrong(case, sentence, records)
    try:
        found = parse_record(text.encode("ascii", "replace"))
    except KeyRecordError as error:
        return _unreadable(case, text, error)
    if not _is_same(found, parse_record(case.value.encode())):
        if _squeezed(case.value).startswith(_squeezed(text)):
            return _cut(case, text)
        sentence = (
            "The record has another key than the one that signs, so that every signature fails:"
            " put this record in its place."
        )
        return wrong(case, sentence, records)
    if found.is_testing:
        sentence = "The key is right, and marked as a trial (t=y): take t=y out."
        return better(sentence, text)
    return right("Others can check the signatures of your mail.", text)


def _is_same(found: PublicKey, wanted: PublicKey) -> bool:
    return found.algorithm is wanted.algorithm and found.key == wanted.key


def _several(case: Case, records: tuple[str, ...]) -> Verdict:
    whole = _squeezed(case.value)
    pieces = [_squeezed(text) for text in records]
    if all(piece and piece in whole for piece in pieces) and whole not in pieces:
        sentence = (
            f"The key was cut into {len(records)} records: it has to be one record, whose text may"
            " be several strings."
        )
    else:
        sentence = (
            f"There are {len(records)} records at this name, and others then heed none of them:"
            " leave only this one."
        )
    return wrong(case, sentence, records)


def _unreadable(case: Case, text: str, error: KeyRecordError) -> Verdict:
    if isinstance(error, WeakKeyError):
        return wrong(case, "The record has a key that is too weak to be heeded.", [text])
    found, whole = _squeezed(text), _squeezed(case.value)
    if found.rstrip(";").endswith("p="):
        sentence = "The record says that the key was revoked: put this record in its place."
        return wrong(case, sentence, [text])
    if whole.startswith(found) and len(found) < len(whole):
        return _cut(case, text)
    return wrong(case, "The record cannot be read as a key: put this record in its place.", [text])


def _cut(case: Case, text: str) -> Verdict:
    sentence = (
        f"The key is cut off after {len(text)} characters: a text this long has to be split into"
        " strings of at most 255, which the zone file has."
    )
    return wrong(case, sentence, [text])


def _squeezed(text: str) -> str:
    return "".join(text.split())
