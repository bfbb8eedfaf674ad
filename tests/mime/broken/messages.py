"""About 250 broken messages, each under a name that says what is broken.

Families of one-line faults (an address, a date, a Content-Type) are tables of values put into a
plain message; the rest is written out. `\\n` in a text stands for CRLF; what must hold a bare CR
or LF, or octets that are no UTF-8, is written as octets. All of them are ours.
"""

from collections.abc import Mapping

_HEAD = "Date: Tue, 05 Mar 2024 10:00:00 +0100\nFrom: Ann <ann@example.net>\n"


def mail(text: str) -> bytes:
    """Octets of a message written with `\\n`."""
    return text.replace("\n", "\r\n").encode()


def _with_field(field: str, value: str | bytes) -> bytes:
    """A plain message with one more field, not folded by us."""
    octets = value.encode() if isinstance(value, str) else value
    octets = octets.replace(b"\n", b"\r\n")
    return mail(f"{_HEAD}Subject: odd\n{field}:") + b" " + octets + mail("\n\nBody of one line.\n")


def _typed(value: str, body: str = "One line.\n--x\n\nin a part\n--x--\n") -> bytes:
    """A message with this Content-Type."""
    return mail(f"{_HEAD}Subject: typed\nContent-Type: {value}\n\n{body}")


def _part_typed(value: str) -> bytes:
    """A message in whose only part this Content-Type stands."""
    head = f"{_HEAD}Subject: typed inside\nContent-Type: multipart/mixed; boundary=x\n\n"
    return mail(f"{head}--x\nContent-Type: {value}\n\nOne line.\n--x--\n")


def _mixed(body: str, parameters: str = "boundary=x", subtype: str = "mixed") -> bytes:
    """A multipart with this body."""
    return mail(f"{_HEAD}Subject: parts\nContent-Type: multipart/{subtype}; {parameters}\n\n{body}")


def _with_part_field(field: str) -> bytes:
    """A multipart whose only part has this field."""
    return _mixed(f"--x\nContent-Type: text/plain\n{field}\n\nOne line.\n--x--\n")


def _nested_multiparts(count: int) -> bytes:
    """Multiparts in multiparts, all closed."""
    text = "the innermost\n"
    for n in reversed(range(count)):
        text = (
            f"Content-Type: multipart/mixed; boundary=level{n:03d}-\n\n"
            f"--level{n:03d}-\n{text}\n--level{n:03d}---\n"
        )
    return mail(_HEAD + text)


def _nested_messages(count: int) -> bytes:
    return mail(_HEAD + "Content-Type: message/rfc822\n\n" * count + "Subject: last\n\nlast\n")


# Values of To. Every other field is in order.
ADDRESSES: Mapping[str, str | bytes] = {
    "plain": "bob@example.net",
    "angle without a name": "<bob@example.net>",
    "name in quotes": '"Bob, the \\"builder\\"" <bob@example.net>',
    "name of many words": "Bob  the   Builder <bob@example.net>",
    "name with dots": "J. R. Bob <bob@example.net>",
    "name half in quotes": '"Bob" the "Builder" <bob@example.net>',
    "name empty in quotes": '"" <bob@example.net>',
    "name of a space": '" " <bob@example.net>',
    "name in a comment": "bob@example.net (Bob Builder)",
    "name in a nested comment": "bob@example.net (Bob (the) Builder)",
    "name and a comment": "Bob <bob@example.net> (the Builder)",
    "comment before the address": "(Bob) bob@example.net",
    "comment in the local part": "bob(the builder)@example.net",
    "comment in the host": "bob@example(the host).net",
    "comment in the brackets": "Bob <bob@example.net (in)>",
    "comment alone": "(nobody)",
    "comment never closed": "Bob <bob@example.net> (the Builder",
    "comment with a quoted pair": "bob@example.net (Bob \\) Builder)",
    "two comments": "bob@example.net (one) (two)",
    "group": "Friends: bob@example.net, Cy <cy@example.net>;",
    "group empty": "Undisclosed recipients:;",
    "group with a space": "Friends : bob@example.net ;",
    "group never closed": "Friends: bob@example.net",
    "group in quotes": '"My, friends": bob@example.net;',
    "group and more": "One: a@example.net;, Two: b@example.net;, c@example.net",
    "group without commas": "One: a@example.net; c@example.net",
    "group in a group": "One: Two: b@example.net;;",
    "group without a name": ":;",
    "group end alone": ";",
    "semicolon for comma": "a@example.net; b@example.net",
    "route": "<@one.example,@two.example:bob@example.net>",
    "route of one host": "Bob <@one.example:bob@example.net>",
    "route without address": "<@one.example:>",
    "route without colon": "<@one.example bob@example.net>",
    "no host": "bob",
    "no host in brackets": "Bob <bob>",
    "no host behind the at": "bob@",
    "no host behind the at in brackets": "<bob@>",
    "no local part": "@example.net",
    "no local part in brackets": "<@example.net>",
    "words without an at": "Bob the Builder",
    "name alone in quotes": '"Bob the Builder"',
    "angle empty": "<>",
    "angle empty with a name": "Bob <>",
    "angle never closed": "Bob <bob@example.net",
    "angle never opened": "bob@example.net>",
    "angle twice": "Bob <<bob@example.net>>",
    "angles in a row": "Bob <bob@example.net> <cy@example.net>",
    "text behind the angle": "Bob <bob@example.net> home",
    "one word in quotes": '"Bob"',
    "comment behind the brackets": "<bob@example.net> (Bob)",
    "text in quotes behind the host": 'bob@example.net"home"',
    "address as a name": "bob@example.net <bob@example.net>",
    "address as a name in quotes": '"bob@example.net" <bob@example.net>',
    "at in the name": "Bob @ work <bob@example.net>",
    "two ats": "bob@home@example.net",
    "spaces around the at": "bob @ example.net",
    "space in the local part": "bob builder@example.net",
    "space in the brackets": "< bob@example.net >",
    "spaces around dots": "bob . b @ example . net",
    "local part in quotes": '"bob builder"@example.net',
    "local part in quotes with an at": '"bob@home"@example.net',
    "local part empty in quotes": '""@example.net',
    "local part of dots": "..@example.net",
    "dot at the end of the local part": "bob.@example.net",
    "dot at the end of the host": "bob@example.net.",
    "host as a literal": "bob@[192.0.2.1]",
    "host as a literal of IPv6": "Bob <bob@[IPv6:2001:db8::1]>",
    "host as a literal with spaces": "bob@[ 192.0.2.1 ]",
    "host as a literal never closed": "bob@[192.0.2.1",
    "quote never closed": '"Bob <bob@example.net>',
    "quote closed too late": '"Bob <bob@example.net>, "Cy" <cy@example.net>',
    "quote inside a word": 'Bo"b <bob@example.net>',
    "backslash in a name": "Bob\\ B <bob@example.net>",
    "backslash at the end": "bob@example.net\\",
    "encoded word": "=?utf-8?q?B=C3=B6b?= <bob@example.net>",
    "encoded word in quotes": '"=?utf-8?q?B=C3=B6b?=" <bob@example.net>',
    "encoded words two": "=?utf-8?q?B=C3=B6b?= =?utf-8?b?w7w=?= <bob@example.net>",
    "encoded word around all": "=?utf-8?q?B=C3=B6b_=3Cbob=40example=2Enet=3E?=",
    "raw UTF-8 name": "Böb <bob@example.net>",
    "raw UTF-8 local part": "böb@example.net",
    "raw Latin-1 name": b"B\xf6b <bob@example.net>",
    "raw Latin-1 in quotes": b'"B\xf6b" <bob@example.net>',
    "control in a name": b"Bo\x01b <bob@example.net>",
    "DEL in a name": b"Bo\x7fb <bob@example.net>",
    "tab between words": "Bob\tBuilder\t<bob@example.net>",
    "empty": "",
    "spaces only": "   ",
    "comma only": ",",
    "commas doubled": "a@example.net,, b@example.net,",
    "comma missing": "a@example.net b@example.net",
    "comma in the name": "Builder, Bob <bob@example.net>",
    "folded at the comma": "a@example.net,\n b@example.net",
    "folded in the name": "Bob the\n Builder <bob@example.net>",
    "folded in the brackets": "Bob <bob\n @example.net>",
    "folded in the quotes": '"Bob the\n Builder" <bob@example.net>',
    "folded in a comment": "bob@example.net (Bob\n Builder)",
    "URL": "http://example.net/x",
    "mailto": "mailto:bob@example.net",
    "mailto in brackets": "Bob <mailto:bob@example.net>",
    "square brackets in the name": "[list] Bob <bob@example.net>",
    "parenthesis closed only": "Bob) <bob@example.net>",
    "UUCP": "host!bob",
    "percent": "bob%example.org@example.net",
    "apostrophes": "'bob@example.net' <bob@example.net>",
    "500 mailboxes": ", ".join(f"u{n} <u{n}@example.net>" for n in range(500)),
    "name of 5,000 octets": "B" * 5_000 + " <bob@example.net>",
}

# Values of Date.
DATES: Mapping[str, str | bytes] = {
    "empty": "",
    "spaces only": "   ",
    "words": "yesterday, about noon",
    "without a zone": "Tue, 5 Mar 2024 10:00:00",
    "zone by name": "Tue, 5 Mar 2024 10:00:00 PST",
    "zone unknown": "Tue, 5 Mar 2024 10:00:00 XYZZY",
    "zone out of range": "Tue, 5 Mar 2024 10:00:00 +9999",
    "zone with a comment": "Tue, 5 Mar 2024 10:00:00 +0100 (CET)",
    "comment never closed": "Tue, 5 Mar 2024 10:00:00 +0100 (CET",
    "year of two digits": "5 Mar 24 10:00 GMT",
    "day out of range": "Tue, 35 Mar 2024 10:00:00 +0100",
    "asctime": "Tue Mar  5 10:00:00 2024",
    "ISO 8601": "2024-03-05T10:00:00Z",
    "folded": "Tue, 5 Mar 2024\n 10:00:00 +0100",
    "folded with a tab": "Tue, 5 Mar 2024\n\t10:00:00 +0100",
    "spaces around": "  Tue,  5 Mar 2024 10:00:00 +0100  ",
    "raw UTF-8": "Di, 5 Mär 2024 10:00:00 +0100",
    "in quotes": '"Tue, 5 Mar 2024 10:00:00 +0100"',
    "5,000 octets": "Tue, 5 Mar 2024 10:00:00 +0100 " + "x" * 5_000,
}

# Values of Subject.
SUBJECTS: Mapping[str, str | bytes] = {
    "empty": "",
    "spaces only": "    ",
    "spaces around": "   in the middle   ",
    "tabs around": "\t in the middle \t",
    "spaces inside": "a  b   c",
    "folded": "one\n two",
    "folded with a tab": "one\n\ttwo",
    "folded with many spaces": "one\n     two",
    "folded before the text": "\n one",
    "folded twice before the text": "\n \n one",
    "folded behind a space": "one \n two",
    "folded to an empty line": "one\n \n two",
    "folded at the end": "one\n ",
    "quotes": 'say "hello"',
    "backslashes": "C:\\temp\\new",
    "parentheses": "(not a comment)",
    "brace": "{3}",
    "raw UTF-8": "Grüße",
    "raw Latin-1": b"Gr\xfc\xdfe",
    "raw octets that are nothing": b"\xff\xfe\x80",
    "encoded word": "=?utf-8?q?Gr=C3=BC=C3=9Fe?=",
    "encoded word with spaces": "=?utf-8?q?Gr =C3=BC?=",
    "encoded word never closed": "=?utf-8?q?Gr=C3=BC",
    "encoded word of an unknown charset": "=?x-unknown?q?Gr=FC?=",
    "encoded word of an unknown encoding": "=?utf-8?x?Gr=FC?=",
    "encoded words folded": "=?utf-8?q?one?=\n =?utf-8?q?two?=",
    "control": b"one\x01two",
    "DEL": b"one\x7ftwo",
    "1,000 octets": "x" * 1_000,
    "1,500 octets": "x" * 1_500,
    "folded 100 times": "\n ".join(["word"] * 100),
    "100 KB in one line": "y" * 100_000,
}

# Values of Message-ID, and of In-Reply-To under another name.
MESSAGE_IDS: Mapping[str, str | bytes] = {
    "empty": "",
    "without brackets": "abc@example.net",
    "two": "<a@example.net> <b@example.net>",
    "with a space": "<a b@example.net>",
    "with a comment": "<a@example.net> (really)",
    "folded": "\n <a@example.net>",
    "folded inside": "<a@\n example.net>",
    "in quotes": '<"a b"@example.net>',
    "raw UTF-8": "<ä@example.net>",
    "half open": "<a@example.net",
}
IN_REPLY_TOS: Mapping[str, str | bytes] = {
    "empty": "",
    "prose": "Your message of Tuesday",
    "two": "<a@example.net>\n <b@example.net>",
    "prose and id": 'Your message of "Tue" <a@example.net>',
}

# Values of Content-Type of the message. The body has a part for the boundary "x".
TYPES: Mapping[str, str] = {
    "empty": "",
    "one word": "text",
    "word and slash": "text/",
    "slash and word": "/plain",
    "slash alone": "/",
    "two slashes": "text/plain/odd",
    "upper case": "TEXT/HTML; CHARSET=UTF-8",
    "spaces around the slash": "text / html; charset=utf-8",
    "spaces for the slash": "text html",
    "comma for the semicolon": "text/html, charset=utf-8",
    "semicolon missing": "text/html charset=utf-8",
    "semicolon at the end": "text/html;",
    "semicolons doubled": "text/html;; charset=utf-8",
    "semicolon first": "; charset=utf-8",
    "comment": "text/plain (plain text); charset=us-ascii (the charset)",
    "comment first": "(hm) text/html; charset=utf-8",
    "comment in the type": "text(hm)/html",
    "comment never closed": "text/html (hm; charset=utf-8",
    "in quotes": '"text/html"; charset=utf-8',
    "subtype in quotes": 'text/"html"; charset=utf-8',
    "unknown type": "strange/thing; a=b",
    "raw UTF-8": "text/plän; charset=utf-8",
    "parameter without a value": "text/html; charset",
    "parameter with an empty value": "text/html; charset=",
    "parameter with an empty string": 'text/html; charset=""',
    "parameter without a name": "text/html; =utf-8",
    "parameter twice": "text/html; charset=utf-8; charset=us-ascii",
    "parameter with spaces around =": "text/html; charset = utf-8",
    "parameter with text behind": "text/html; charset=utf-8 oops; name=a",
    "parameter with text behind quotes": 'text/html; charset="utf-8" oops; name=a',
    "parameter with spaces inside": "application/pdf; name=my file.pdf",
    "parameter in quotes": 'text/html; charset="utf-8"',
    "parameter in single quotes": "text/html; charset='utf-8'",
    "parameter with quoted pairs": 'application/pdf; name="a\\"b\\\\c.pdf"',
    "parameter with a semicolon in quotes": 'application/pdf; name="a;b.pdf"',
    "parameter never closed": 'application/pdf; name="a.pdf',
    "parameter never closed and more": 'application/pdf; name="a.pdf; x=y',
    "parameter with brackets": "application/pdf; name=a[1].pdf",
    "parameter with a slash": "application/pdf; name=a/b.pdf",
    "parameter with an equals sign": "application/pdf; name=a=b.pdf",
    "parameter with an at sign": "application/pdf; name=a@b.pdf",
    "parameter as raw UTF-8": 'application/pdf; name="Grüße.pdf"',
    "parameter as raw UTF-8 token": "application/pdf; name=Grüße.pdf",
    "parameter as encoded word": 'application/pdf; name="=?utf-8?q?Gr=C3=BC=C3=9Fe?="',
    "parameter folded": "application/pdf;\n name=a.pdf;\n\tx=y",
    "parameter folded in quotes": 'application/pdf; name="a\n b.pdf"',
    "parameter of 3,000 octets": f'application/pdf; name="{"n" * 3_000}"',
    "parameters 60": "application/pdf" + "".join(f"; p{n}=v{n}" for n in range(60)),
    "text without charset": "text/html; format=flowed",
    "folded": "text/html;\n charset=utf-8",
    "folded before the value": "\n text/html; charset=utf-8",
    "boundary on a text": "text/plain; boundary=x",
    "multipart without boundary": "multipart/mixed",
    "multipart with an empty boundary": 'multipart/mixed; boundary=""',
    "multipart with a boundary of a space": 'multipart/mixed; boundary=" "',
    "multipart with two boundaries": "multipart/mixed; boundary=x; boundary=y",
    "multipart with two boundaries, last one right": "multipart/mixed; boundary=y; boundary=x",
    "multipart with a space behind the boundary": 'multipart/mixed; boundary="x "',
    "multipart with another boundary": "multipart/mixed; boundary=other",
    "multipart without subtype": "multipart; boundary=x",
    "multipart with an empty subtype": "multipart/; boundary=x",
    "multipart of upper case": "MULTIPART/Mixed; BOUNDARY=x",
    "multipart with a boundary in RFC 2231": "multipart/mixed; boundary*=us-ascii''x",
    "multipart with a boundary in pieces": "multipart/mixed; boundary*0=x; boundary*1=",
    "multipart with a boundary of another case": "multipart/mixed; boundary=X",
    "multipart with a boundary never closed": 'multipart/mixed; boundary="x',
    "multipart with a comment": "multipart/mixed (parts); boundary=x (it is)",
    "message alone": "message",
    "message partial": "message/partial; id=abc; number=1; total=2",
    "message external-body": "message/external-body; access-type=URL",
    "message delivery-status": "message/delivery-status",
    "message global": "message/global",
}

# RFC 2231, in Content-Type of a part.
PARAMETERS: Mapping[str, str] = {
    "charset and language": "application/pdf; name*=utf-8'en'Gr%C3%BC%C3%9Fe.pdf",
    "no charset": "application/pdf; name*=''a%20b.pdf",
    "no quotes": "application/pdf; name*=a%20b.pdf",
    "bad percent": "application/pdf; name*=utf-8''a%2",
    "in pieces": 'application/pdf; name*0="one "; name*1="two"; name*2=.pdf',
    "in pieces with charset": (
        "application/pdf; name*0*=utf-8''Gr%C3; name*1*=%BC%C3%9Fe; name*2=.pdf"
    ),
    "in pieces mixed": 'application/pdf; name*0=one; name*1*=%20two; name*2=".pdf"',
    "in pieces out of order": "application/pdf; name*2=c; name*0=a; name*1=b",
    "in pieces with a gap": "application/pdf; name*0=a; name*2=c",
    "in pieces without the first": "application/pdf; name*1=b; name*2=c",
    "in pieces twice the same": "application/pdf; name*0=a; name*0=b; name*1=c",
    "in pieces with zeros": "application/pdf; name*00=a; name*01=b",
    "in pieces parted by another": "application/pdf; name*0=a; x=y; name*1=b",
    "plain and encoded": "application/pdf; name=plain.pdf; name*=utf-8''enc%20.pdf",
    "encoded and plain": "application/pdf; name*=utf-8''enc%20.pdf; name=plain.pdf",
    "plain and in pieces": "application/pdf; name=plain; name*0=a; name*1=b",
    "star alone": "application/pdf; *=x",
    "two stars": "application/pdf; name**=x",
    "number that is none": "application/pdf; name*a=x",
    "charset of text": "text/plain; charset*=us-ascii''utf-8",
    "12 pieces": "application/pdf" + "".join(f"; name*{n}=p{n}" for n in range(12)),
}

# One field of a part.
PART_FIELDS: Mapping[str, str] = {
    "encoding unknown": "Content-Transfer-Encoding: x-strange",
    "encoding empty": "Content-Transfer-Encoding:",
    "encoding with a comment": "Content-Transfer-Encoding: base64 (really)",
    "encoding with tspecials": "Content-Transfer-Encoding: [7bit]",
    "encoding with a comment first": "Content-Transfer-Encoding: (really) base64",
    "encoding of two words": "Content-Transfer-Encoding: 8 bit",
    "encoding with a semicolon": "Content-Transfer-Encoding: 7bit;",
    "encoding in quotes": 'Content-Transfer-Encoding: "base64"',
    "encoding of mixed case": "Content-Transfer-Encoding: QuOtEd-Printable",
    "encoding twice": "Content-Transfer-Encoding: 8bit\nContent-Transfer-Encoding: base64",
    "encoding folded": "Content-Transfer-Encoding:\n base64",
    "type twice": "Content-Type: text/html; charset=utf-8",
    "disposition": 'Content-Disposition: attachment; filename="a.txt"; size=10',
    "disposition empty": "Content-Disposition:",
    "disposition of parameters only": "Content-Disposition: ; filename=a.txt",
    "disposition of a semicolon": "Content-Disposition: ;",
    "disposition of a comment": "Content-Disposition: (attachment)",
    "disposition without its word": "Content-Disposition: filename=a.txt",
    "disposition in quotes": 'Content-Disposition: "attachment"; filename=a.txt',
    "disposition with a comment": "Content-Disposition: attachment (file); filename=a.txt",
    "disposition of upper case": "Content-Disposition: ATTACHMENT; FILENAME=a.txt",
    "disposition of two words": "Content-Disposition: attachment inline; filename=a.txt",
    "disposition twice": "Content-Disposition: inline\nContent-Disposition: attachment",
    "disposition with semicolon at the end": "Content-Disposition: inline;",
    "disposition with spaces in the name": "Content-Disposition: attachment; filename=my file.txt",
    "disposition with RFC 2231": "Content-Disposition: attachment; filename*=utf-8''a%20b.txt",
    "disposition as raw UTF-8": 'Content-Disposition: attachment; filename="Grüße.txt"',
    "language": "Content-Language: en, de",
    "language of one": "Content-Language: en",
    "language empty": "Content-Language:",
    "language with a comment": "Content-Language: en (British), de",
    "language without comma": "Content-Language: en de",
    "language with commas only": "Content-Language: , ,",
    "language of rubbish, then a tag": "Content-Language: ; en, de",
    "language odd": "Content-Language: en_GB; q=1",
    "location": "Content-Location: http://example.net/a b",
    "location folded": "Content-Location: http://example.net/\n a/b",
    "location in quotes": 'Content-Location: "http://example.net/"',
    "location empty": "Content-Location:",
    "MD5": "Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==",
    "MD5 with spaces": "Content-MD5:   Q2hlY2sg SW50ZWdyaXR5IQ==  ",
    "MD5 with a comment": "Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ== (sum)",
    "MD5 empty": "Content-MD5:",
    "id": "Content-ID: <part1@example.net>",
    "id without brackets": "Content-ID: part1@example.net",
    "id with a comment": "Content-ID: <part1@example.net> (one)",
    "id empty": "Content-ID:",
    "id folded": "Content-ID:\n <part1@example.net>",
    "id twice": "Content-ID: <a@example.net>\nContent-ID: <b@example.net>",
    "description": "Content-Description: a  part (one)",
    "description empty": "Content-Description:",
    "description folded": "Content-Description: a\n\tpart",
    "description as raw UTF-8": "Content-Description: Grüße",
    "description twice": "Content-Description: one\nContent-Description: two",
    "line without a colon": "this line has no colon",
    "name with a space before the colon": "Content-ID : <part1@example.net>",
    "name empty": ": nothing",
    "continuation of nothing": "X-Odd:\n \n",
}

_INNER = "From: Cy <cy@example.net>\nSubject: inner\nDate: Tue, 5 Mar 2024 09:00:00 +0000\n"
_RFC822 = "--x\nContent-Type: message/rfc822\n"

WHOLE: Mapping[str, bytes] = {
    # Headers.
    "header: none, the body begins at once": mail("\nOnly a body.\n"),
    "header: alone, with an empty line": mail(f"{_HEAD}Subject: alone\n\n"),
    "header: alone, without an empty line": mail(f"{_HEAD}Subject: alone\n"),
    "header: alone, without a line end": mail(f"{_HEAD}Subject: alone"),
    "header: one empty line is all": mail("\n"),
    "header: two empty lines are all": mail("\n\n"),
    "header: a text that is none": mail("Just some text\nand another line\n"),
    "header: a line without a colon": mail(f"{_HEAD}no colon here\nSubject: behind it\n\nBody.\n"),
    "header: a line without a colon is the first": mail(f"no colon here\n{_HEAD}\nBody.\n"),
    "header: an mbox line is the first": mail(
        f"From ann@example.net Tue Mar  5 10:00:00 2024\n{_HEAD}Subject: mbox\n\nBody.\n"
    ),
    "header: a quoted mbox line is the first": mail(
        f">From ann@example.net Tue Mar  5 10:00:00 2024\n{_HEAD}Subject: mbox\n\nBody.\n"
    ),
    "header: a continuation is the first": mail(f" continued\n{_HEAD}Subject: x\n\nBody.\n"),
    "header: a line of spaces ends nothing": mail(f"{_HEAD}Subject: x\n   \nTo: bob\n\nBody.\n"),
    "header: space before the colon": mail(f"{_HEAD}Subject : spaced\nTo\t: bob\n\nBody.\n"),
    "header: no space behind the colon": mail(f"{_HEAD}Subject:tight\nTo:bob\n\nBody.\n"),
    "header: space in a name": mail(f"{_HEAD}Sub ject: spaced\nSubject: x\n\nBody.\n"),
    "header: name in upper case": mail(f"{_HEAD}SUBJECT: loud\nto: bob@example.net\n\nBody.\n"),
    "header: name of raw UTF-8": mail(f"{_HEAD}Sübject: x\nSubject: y\n\nBody.\n"),
    "header: name empty": mail(f"{_HEAD}: nameless\nSubject: y\n\nBody.\n"),
    "header: Subject twice": mail(f"{_HEAD}Subject: one\nSubject: two\n\nBody.\n"),
    "header: Subject three times, the first empty": mail(
        f"{_HEAD}Subject:\nSubject: two\nSubject: three\n\nBody.\n"
    ),
    "header: Date twice": mail(f"{_HEAD}Date: Wed, 6 Mar 2024 10:00:00 +0100\n\nBody.\n"),
    "header: From twice": mail(f"{_HEAD}From: Bob <bob@example.net>\nSubject: x\n\nBody.\n"),
    "header: From twice, the first empty": mail(
        "From:\nFrom: Bob <bob@example.net>\nSubject: x\n\nBody.\n"
    ),
    "header: To twice": mail(f"{_HEAD}To: bob@example.net\nTo: cy@example.net\n\nBody.\n"),
    "header: To three times, one a group": mail(
        f"{_HEAD}To: bob@example.net\nTo: Us: dee@example.net;\nTo: cy@example.net\n\nBody.\n"
    ),
    "header: Cc and Bcc twice": mail(
        f"{_HEAD}Cc: a@example.net\nBcc: b@example.net\nCc: c@example.net\n"
        "Bcc: d@example.net\n\nBody.\n"
    ),
    "header: Sender and Reply-To twice": mail(
        f"{_HEAD}Sender: a@example.net\nReply-To: b@example.net\nSender: c@example.net\n"
        "Reply-To: d@example.net\n\nBody.\n"
    ),
    "header: Message-ID and In-Reply-To twice": mail(
        f"{_HEAD}Message-ID: <a@example.net>\nIn-Reply-To: <b@example.net>\n"
        "Message-ID: <c@example.net>\nIn-Reply-To: <d@example.net>\n\nBody.\n"
    ),
    "header: Content-Type twice": mail(
        f"{_HEAD}Content-Type: text/html\nContent-Type: text/plain; charset=utf-8\n\nBody.\n"
    ),
    "header: Content-Type twice, one of them multipart": mail(
        f"{_HEAD}Content-Type: multipart/mixed; boundary=x\nContent-Type: text/plain\n\n"
        "--x\n\nin\n--x--\n"
    ),
    "header: Content-Type twice, the last one multipart": mail(
        f"{_HEAD}Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=x\n\n"
        "--x\n\nin\n--x--\n"
    ),
    "header: Sender and Reply-To empty": mail(f"{_HEAD}Sender:\nReply-To:\n\nBody.\n"),
    "header: Sender and Reply-To of rubbish": mail(
        f"{_HEAD}Sender: (nobody)\nReply-To: ,\n\nBody.\n"
    ),
    "header: Sender and Reply-To without From": mail(
        "Sender: a@example.net\nReply-To: b@example.net\n\nBody.\n"
    ),
    "header: a field of 100 KB folded": mail(
        f"{_HEAD}X-Long: " + "\n ".join(["word" * 15] * 1_600) + "\nSubject: behind\n\nBody.\n"
    ),
    "header: 500 fields": mail(
        _HEAD + "".join(f"X-{n}: {n}\n" for n in range(500)) + "Subject: behind\n\nBody.\n"
    ),
    "header: MIME-Version missing": mail(
        f"{_HEAD}Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
        "PGI+\n"
    ),
    "header: MIME-Version 2.0": mail(
        f"{_HEAD}MIME-Version: 2.0\nContent-Type: text/html; charset=utf-8\n\n<b>\n"
    ),
    "header: content fields of a plain message": mail(
        f"{_HEAD}Content-ID: <a@example.net>\nContent-Description: all\nContent-MD5: abc=\n"
        "Content-Language: en\nContent-Location: /here\nContent-Disposition: inline\n\nBody.\n"
    ),
    "header: encoding that is unknown": mail(
        f"{_HEAD}Content-Transfer-Encoding: uuencode\n\nbegin 644 x\nend\n"
    ),
    # Octets.
    "octets: one letter": b"x",
    "octets: line ends of LF": (
        b"Subject: unix\nFrom: ann@example.net\nTo: a@example.net,\n b@example.net\n\nOne.\nTwo.\n"
    ),
    "octets: parts with line ends of LF": (
        b"Subject: unix\nContent-Type: multipart/mixed; boundary=x\n\n"
        b"--x\nContent-Type: text/plain\n\none\ntwo\n--x\n\nthree\n--x--\n"
    ),
    "octets: line ends of both kinds": (
        b"Subject: both\r\nFrom: ann@example.net\nTo: bob@example.net\r\n\nOne.\r\nTwo.\nThree.\r\n"
    ),
    "octets: line ends of CR": b"Subject: mac\rFrom: ann@example.net\r\rOne.\rTwo.\r",
    "octets: CR in a field": b"Subject: one\rtwo\r\nFrom: ann@example.net\r\n\r\nBody.\r\n",
    "octets: CR CR LF": b"Subject: x\r\r\nFrom: ann@example.net\r\r\n\r\r\nBody.\r\r\n",
    "octets: CR in the body": b"Subject: x\r\n\r\none\rtwo\r\nthree\r",
    "octets: NUL in the body": b"Subject: x\r\n\r\none\0two\r\n",
    "octets: NUL in a field": b"Subject: one\0two\r\nFrom: ann@example.net\r\n\r\nBody.\r\n",
    "octets: 8 bits in the body": b"Subject: x\r\n\r\n\xff\xfe\x80\r\n",
    "octets: no line end at the end": b"Subject: x\r\n\r\none\r\ntwo",
    "octets: a body of 1 MB in one line": b"Subject: x\r\n\r\n" + b"z" * 1_000_000 + b"\r\n",
    "octets: empty lines are the body": b"Subject: x\r\n\r\n\r\n\r\n\r\n",
    # Multiparts.
    "parts: two in order": _mixed("--x\n\none\n--x\nContent-Type: text/html\n\ntwo\n--x--\n"),
    "parts: preamble and epilogue": _mixed("before\n\n--x\n\none\n--x--\nafter\nmore\n"),
    "parts: no line end before the first": _mixed("--x\n\none\n--x--"),
    "parts: never closed": _mixed("--x\n\none\n--x\n\ntwo\n"),
    "parts: never closed nor ended by a line": _mixed("--x\n\none\n--x\n\ntwo"),
    "parts: header of the last one cut": _mixed("--x\n\none\n--x\nContent-Type: text/html"),
    "parts: header of the last one without empty line": _mixed(
        "--x\n\none\n--x\nContent-Type: text/html\n"
    ),
    "parts: header without empty line": _mixed("--x\nContent-Type: text/html\n--x--\n"),
    "parts: header ends at a line without colon": _mixed(
        "--x\nContent-Type: text/html\nthis is text\n\nmore\n--x--\n"
    ),
    "parts: closed at once": _mixed("--x--\n"),
    "parts: closed at once, with text around": _mixed("before\n--x--\nafter\n"),
    "parts: none, the body is empty": _mixed(""),
    "parts: none, only text": _mixed("There is no delimiter.\n"),
    "parts: one empty part": _mixed("--x\n--x--\n"),
    "parts: one empty part with an empty line": _mixed("--x\n\n--x--\n"),
    "parts: one part of an empty line": _mixed("--x\n\n\n--x--\n"),
    "parts: three empty parts": _mixed("--x\n--x\n--x\n--x--\n"),
    "parts: opened at the end": _mixed("--x\n\none\n--x\n"),
    "parts: opened at the end without line end": _mixed("--x\n\none\n--x"),
    "parts: without headers": _mixed("--x\n\none\n--x\n\ntwo\n--x--\n"),
    "parts: without headers and empty line": _mixed("--x\none\n\ntwo\n--x--\n"),
    "parts: more behind the end": _mixed("--x\n\none\n--x--\n--x\n\ntwo\n--x--\n"),
    "parts: spaces behind the delimiter": _mixed("--x  \n\none\n--x\t\n\ntwo\n--x--  \n"),
    "parts: text behind the delimiter": _mixed("--x oops\n\none\n--xyz\n\ntwo\n--x--oops\n"),
    "parts: space before the delimiter": _mixed("--x\n\none\n --x\n\ntwo\n--x--\n"),
    "parts: delimiter in the middle of a line": _mixed("--x\n\none --x\n\ntwo\n--x--\n"),
    "parts: delimiter with one dash at the end": _mixed("--x\n\none\n--x-\n\ntwo\n--x--\n"),
    "parts: boundary with dashes at the end": _mixed("--x--\n\none\n--x----\n", 'boundary="x--"'),
    "parts: boundary of 70 octets": _mixed(
        f"--{'b' * 70}\n\none\n--{'b' * 70}--\n", f"boundary={'b' * 70}"
    ),
    "parts: boundary of 200 octets": _mixed(
        f"--{'b' * 200}\n\none\n--{'b' * 200}--\n", f"boundary={'b' * 200}"
    ),
    "parts: boundary with odd octets": _mixed(
        "--=_a'()+,./:?\n\none\n--=_a'()+,./:?--\n", 'boundary="=_a\'()+,./:?"'
    ),
    "parts: boundary with an equals sign, not quoted": _mixed(
        "--=_1\n\none\n--=_1--\n", "boundary==_1"
    ),
    "parts: boundary with a colon, not quoted": _mixed("--a:b\n\none\n--a:b--\n", "boundary=a:b"),
    "parts: boundary with a slash, not quoted": _mixed("--a/b\n\none\n--a/b--\n", "boundary=a/b"),
    "parts: boundary of raw UTF-8": _mixed("--ä\n\none\n--ä--\n", 'boundary="ä"'),
    "parts: inner boundary begins with the outer": _mixed(
        "--x\nContent-Type: multipart/mixed; boundary=xy\n\n"
        "--xy\n\none\n--xy\n\ntwo\n--xy--\n--x\n\nthree\n--x--\n"
    ),
    "parts: outer boundary begins with the inner": _mixed(
        "--xy\nContent-Type: multipart/mixed; boundary=x\n\n"
        "--x\n\none\n--x\n\ntwo\n--x--\n--xy\n\nthree\n--xy--\n",
        "boundary=xy",
    ),
    "parts: inner and outer boundary are the same": _mixed(
        "--x\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\none\n--x--\n--x\n\ntwo\n--x--\n"
    ),
    "parts: inner never closed": _mixed(
        "--x\nContent-Type: multipart/mixed; boundary=y\n\n--y\n\none\n--x\n\ntwo\n--x--\n"
    ),
    "parts: outer ends inside the inner header": _mixed(
        "--x\nContent-Type: multipart/mixed; boundary=y\n\n--y\nContent-Type: text/html\n--x--\n"
    ),
    "parts: inner cut off behind its type, the boundary the same": _mixed(
        "--x\nContent-Type: multipart/mixed; boundary=x\n--x\n\ntwo\n--x--\n"
    ),
    "parts: inner without boundary": _mixed(
        "--x\nContent-Type: multipart/alternative\n\n--y\n\none\n--x\n\ntwo\n--x--\n"
    ),
    "parts: inner without parts": _mixed(
        "--x\nContent-Type: multipart/alternative; boundary=y\n\ntext\n--x\n\ntwo\n--x--\n"
    ),
    "parts: inner with content fields": _mixed(
        "--x\nContent-Type: multipart/related; boundary=y; type=text/html\nContent-ID: <i@x>\n"
        "Content-Description: inner\nContent-Disposition: inline; a=b\nContent-Language: en\n"
        "Content-Location: /y\n\n--y\n\none\n--y--\n--x--\n"
    ),
    "parts: inner with an epilogue": _mixed(
        "--x\nContent-Type: multipart/mixed; boundary=y\n\n"
        "before\n--y\n\none\n--y--\nafter\n--x\n\ntwo\n--x--\n"
    ),
    "parts: inner with an empty line behind": _mixed(
        "--x\nContent-Type: multipart/mixed; boundary=y\n\n--y\n\none\n--y--\n\n--x--\n"
    ),
    "parts: inner with spaces behind its end": _mixed(
        "--x\nContent-Type: multipart/mixed; boundary=y\n\n--y\n\none\n--y--  \n--x--\n"
    ),
    "parts: inner closed twice": _mixed(
        "--x\nContent-Type: multipart/mixed; boundary=y\n\n--y\n\none\n--y--\n--y--\n--x--\n"
    ),
    "parts: inner of three levels, all closed at once": _mixed(
        "--x\nContent-Type: multipart/mixed; boundary=y\n\n"
        "--y\nContent-Type: multipart/mixed; boundary=z\n\n"
        "--z\n\none\n--z--\n--y--\n--x--\n"
    ),
    "parts: inner encoded in base64": _mixed(
        "--x\nContent-Type: multipart/mixed; boundary=y\nContent-Transfer-Encoding: base64\n\n"
        "LS15DQoNCm9uZQ0KLS15LS0NCg==\n--x--\n"
    ),
    "parts: preamble looks like a delimiter": _mixed("--\n--xx\n\none\n--x--\n", "boundary=xx"),
    "parts: 1,000 of them": _mixed("".join(f"--x\n\npart {n}\n" for n in range(1_000)) + "--x--\n"),
    "parts: 30 levels": _nested_multiparts(30),
    "parts: 200 levels": _nested_multiparts(200),
    "parts: digest": _mixed(
        f"--x\n\n{_INNER}\nOne.\n--x\nContent-Type: message/rfc822\n\n{_INNER}\nTwo.\n--x--\n",
        subtype="digest",
    ),
    "parts: digest with an empty part": _mixed("--x\n\n--x\n--x--\n", subtype="digest"),
    "parts: digest with a text in it": _mixed(
        "--x\nContent-Type: text/plain\n\ntext\n--x\nContent-Type: \n\ntext\n--x--\n",
        subtype="digest",
    ),
    "parts: digest with a bad type in it": _mixed(
        f"--x\nContent-Type: rubbish\n\n{_INNER}\nOne.\n--x--\n", subtype="digest"
    ),
    "parts: digest with other fields only": _mixed(
        f"--x\nContent-ID: <a@b>\n\n{_INNER}\nOne.\n--x--\n", subtype="digest"
    ),
    # Messages in messages.
    "message: in order": _mixed(f"{_RFC822}\n{_INNER}\nInner body.\n--x--\n"),
    "message: is the whole body": mail(f"{_HEAD}Content-Type: message/rfc822\n\n{_INNER}\nIn.\n"),
    "message: is the whole body, which is empty": mail(f"{_HEAD}Content-Type: message/rfc822\n\n"),
    "message: is the whole body, one empty line": mail(
        f"{_HEAD}Content-Type: message/rfc822\n\n\n"
    ),
    "message: empty": _mixed(f"{_RFC822}\n--x--\n"),
    "message: one empty line": _mixed(f"{_RFC822}\n\n--x--\n"),
    "message: cut off behind its type": _mixed("--x\nContent-Type: message/rfc822\n--x--\n"),
    "message: two empty lines": _mixed(f"{_RFC822}\n\n\n--x--\n"),
    "message: header only": _mixed(f"{_RFC822}\n{_INNER}--x--\n"),
    "message: header and empty line only": _mixed(f"{_RFC822}\n{_INNER}\n--x--\n"),
    "message: body only": _mixed(f"{_RFC822}\n\nInner body.\n--x--\n"),
    "message: text that is no header": _mixed(f"{_RFC822}\nNo header at all.\n--x--\n"),
    "message: a line without a colon": _mixed(
        f"{_RFC822}\nFrom: cy@example.net\nno colon\nSubject: behind it\n\nIn.\n--x--\n"
    ),
    "message: an mbox line first": _mixed(
        f"{_RFC822}\nFrom cy@example.net Tue Mar  5 10:00:00 2024\n{_INNER}\nIn.\n--x--\n"
    ),
    "message: an empty line first": _mixed(f"{_RFC822}\n\n{_INNER}\nInner body.\n--x--\n"),
    "message: never ended": _mixed(f"{_RFC822}\n{_INNER}\nInner body."),
    "message: header never ended": _mixed(f"{_RFC822}\n{_INNER}Message-ID: <a@ex"),
    "message: encoded in base64": _mixed(
        f"{_RFC822}Content-Transfer-Encoding: base64\n\nU3ViamVjdDogaW4NCg0KSW4uDQo=\n--x--\n"
    ),
    "message: encoded in quoted-printable": _mixed(
        f"{_RFC822}Content-Transfer-Encoding: quoted-printable\n\nSubject: =3D\n\nIn.=\n--x--\n"
    ),
    "message: with content fields": _mixed(
        "--x\nContent-Type: message/rfc822; name=a.eml\nContent-ID: <a@b>\n"
        "Content-Description: it\nContent-MD5: abc=\nContent-Disposition: attachment\n"
        f"Content-Language: en\nContent-Location: /m\n\n{_INNER}\nIn.\n--x--\n"
    ),
    "message: holds a multipart": _mixed(
        f"{_RFC822}\n{_INNER}Content-Type: multipart/mixed; boundary=y\n\n"
        "--y\n\none\n--y\n\ntwo\n--y--\n--x--\n"
    ),
    "message: holds a multipart never closed": _mixed(
        f"{_RFC822}\n{_INNER}Content-Type: multipart/mixed; boundary=y\n\n--y\n\none\n--x--\n"
    ),
    "message: holds a multipart without parts": _mixed(
        f"{_RFC822}\n{_INNER}Content-Type: multipart/mixed; boundary=y\n\ntext\n--x--\n"
    ),
    "message: holds a multipart without boundary": _mixed(
        f"{_RFC822}\n{_INNER}Content-Type: multipart/mixed\n\ntext\n--x--\n"
    ),
    "message: holds a multipart with the same boundary": _mixed(
        f"{_RFC822}\n{_INNER}Content-Type: multipart/mixed; boundary=x\n\n--x\n\none\n--x--\n"
    ),
    "message: holds a text that looks encoded": _mixed(
        f"{_RFC822}\n{_INNER}Content-Transfer-Encoding: base64\n\n!!!!\n--x--\n"
    ),
    "message: fields twice": _mixed(
        f"{_RFC822}\n{_INNER}Subject: second\nFrom: dee@example.net\n\nIn.\n--x--\n"
    ),
    "message: fields missing": _mixed(f"{_RFC822}\nX-Only: this\n\nIn.\n--x--\n"),
    "message: addresses broken": _mixed(
        f'{_RFC822}\nFrom: "Cy <cy@example.net>\nTo: Us:dee@example.net\nCc: <>\n\nIn.\n--x--\n'
    ),
    "message: 8 bits in the header": _mixed(f"{_RFC822}\nSubject: Grüße\n\nIn.\n--x--\n"),
    "message: 20 levels": _nested_messages(20),
    "message: 200 levels": _nested_messages(200),
    "message: report of a failed delivery": _mixed(
        "--x\n\nIt failed.\n--x\nContent-Type: message/delivery-status\n\n"
        "Reporting-MTA: dns; example.net\n\nFinal-Recipient: rfc822; bob@example.org\n\n"
        f"--x\nContent-Type: text/rfc822-headers\n\n{_INNER}\n--x--\n",
        "report-type=delivery-status; boundary=x",
        "report",
    ),
}


def all_messages() -> dict[str, bytes]:
    """Every broken message by name."""
    return {
        **{f"address: {name}": _with_field("To", value) for name, value in ADDRESSES.items()},
        **{
            f"date: {name}": _with_field("Date", value).replace(mail(_HEAD), mail("From: a@b\n"))
            for name, value in DATES.items()
        },
        **{
            f"subject: {name}": _with_field("Subject", value).replace(mail("Subject: odd\n"), b"")
            for name, value in SUBJECTS.items()
        },
        **{f"id: {name}": _with_field("Message-ID", value) for name, value in MESSAGE_IDS.items()},
        **{
            f"in reply to: {name}": _with_field("In-Reply-To", value)
            for name, value in IN_REPLY_TOS.items()
        },
        **{f"type: {name}": _typed(value) for name, value in TYPES.items()},
        **{f"parameter: {name}": _part_typed(value) for name, value in PARAMETERS.items()},
        **{f"field: {name}": _with_part_field(value) for name, value in PART_FIELDS.items()},
        **WHOLE,
    }
