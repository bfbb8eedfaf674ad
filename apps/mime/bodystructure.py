"""IMAP BODYSTRUCTURE and BODY of a part tree (RFC 3501 section 7.4.2), as FETCH sends them.

Rendering keeps its own stack, so a deep tree costs no Python frames.
"""

from __future__ import annotations

from apps.mime.parameters import Parameters
from apps.mime.tree import Part
from apps.wire.imapstring import imap_nstring, imap_string

# A multipart without parts has no syntax; Dovecot shows one empty text in its place.
_EMPTY_PART = Part(0, 0)
_DEFAULT_CHARSET: Parameters = ((b"charset", b"us-ascii"),)


def bodystructure(part: Part) -> bytes:
    """Return BODYSTRUCTURE: with extension data."""
    return _render(part, extended=True)


def body(part: Part) -> bytes:
    """Return BODY: the same without extension data."""
    return _render(part, extended=False)


def _render(root: Part, *, extended: bool) -> bytes:
    out: list[bytes] = []
    todo: list[Part | bytes] = [root]
    while todo:
        item = todo.pop()
        if isinstance(item, bytes):
            out.append(item)
        elif item.is_multipart:
            out.append(b"(")
            todo.append(_multipart_tail(item, extended=extended))
            todo.extend(reversed(item.children or (_EMPTY_PART,)))
        elif item.is_message:
            assert item.envelope is not None, "the tree was scanned without envelopes"
            out += (_fields(item), b" ", item.envelope, b" ")
            todo.append(b" %d%b)" % (item.lines, _leaf_extension(item) if extended else b""))
            todo.append(item.children[0])
        else:
            out.append(_fields(item))
            if item.type == b"text":
                out.append(b" %d" % item.lines)
            out.append(_leaf_extension(item) + b")" if extended else b")")
    return b"".join(out)


def _fields(part: Part) -> bytes:
    """Return the open parenthesis and all up to the size."""
    params = part.params
    if part.type == b"text" and not any(name.lower() == b"charset" for name, _ in params):
        params = params + _DEFAULT_CHARSET
    return b"(%b %b %b %b %b %b %d" % (
        imap_string(part.type),
        imap_string(part.subtype),
        _parameters(params),
        imap_nstring(part.id),
        imap_nstring(part.description),
        imap_string(part.encoding),
        part.size,
    )


def _multipart_tail(part: Part, *, extended: bool) -> bytes:
    if not extended:
        return b" %b)" % imap_string(part.subtype)
    return b" %b %b%b)" % (imap_string(part.subtype), _parameters(part.params), _shared(part))


def _leaf_extension(part: Part) -> bytes:
    return b" " + imap_nstring(part.md5) + _shared(part)


def _shared(part: Part) -> bytes:
    """Return disposition, language and location."""
    if part.disposition is None and not part.languages and part.location is None:
        return b" NIL NIL NIL"
    disposition = b"NIL"
    if part.disposition is not None:
        params = _parameters(part.disposition_params)
        disposition = b"(%b %b)" % (imap_string(part.disposition), params)
    languages = b" ".join([imap_string(language) for language in part.languages])
    return b" %b %b %b" % (
        disposition,
        b"(%b)" % languages if languages else b"NIL",
        imap_nstring(part.location),
    )


def _parameters(params: Parameters) -> bytes:
    if not params:
        return b"NIL"
    return b"(" + b" ".join([imap_string(text) for pair in params for text in pair]) + b")"
