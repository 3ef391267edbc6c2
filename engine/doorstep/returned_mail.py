"""Mail that came back: which message it was, and why (RFC 3464), or that its reader complained (RFC 5965). No I/O.

Only what machines write for machines is read, the report's own part; what a mail says in words is not.
"""

import re
from collections.abc import Iterator
from email import policy
from email.message import MIMEPart
from email.parser import BytesParser

from .message import Fate, Report

_OURS = re.compile(r"<(?P<id>[a-z]{2,8}_[0-9a-z]{24})@[^<>\s@]{1,255}>")
_NO_SUCH_ADDRESS = re.compile(r"5\.1\.(0|1|2|3|6|10)")  # RFC 3463; others are about the sender
_FOR_GOOD = re.compile(r"5\.\d{1,3}\.\d{1,3}")
_QUOTED = ("message/rfc822", "message/rfc822-headers", "text/rfc822-headers")


def reports_in(mail: bytes) -> list[Report]:
    """What a mail tells of a message of ours: nothing, where it is no report, or not about one."""
    parsed = BytesParser(policy=policy.default).parsebytes(mail)
    id = _id(parsed)
    if not id:
        return []
    fates = [fate for part in parsed.walk() for fate in _fates(part)]
    return [Report(fate, id, reason=reason) for fate, reason in fates[:1]]


def _fates(part: MIMEPart) -> Iterator[tuple[Fate, str]]:
    match part.get_content_type():
        case "message/delivery-status":
            for fields in part.iter_parts() if part.is_multipart() else ():
                yield from _fate(fields)
        case "message/feedback-report":
            fields = _inner(part)
            if _text(fields, "Feedback-Type").lower() == "abuse":
                yield Fate.COMPLAINED, "abuse"


def _fate(fields: MIMEPart) -> Iterator[tuple[Fate, str]]:
    """Of one recipient. The first block, which is of the whole report, names no action."""
    action, status = _text(fields, "Action").lower(), _text(fields, "Status").partition(" ")[0]
    reason = f"{status} {_text(fields, 'Diagnostic-Code').partition(';')[2].strip()}".strip()
    if action == "delivered":
        yield Fate.DELIVERED, reason
    elif action == "failed" and _NO_SUCH_ADDRESS.fullmatch(status):
        yield Fate.BOUNCED, reason
    elif action == "failed" and _FOR_GOOD.fullmatch(status):
        yield Fate.REFUSED, reason


def _id(mail: MIMEPart) -> str:
    """The message's own: of the mail that is quoted, else of the one that this answers."""
    quoted = [_inner(part) for part in mail.walk() if part.get_content_type() in _QUOTED]
    named = [_text(one, "Message-ID") for one in quoted]
    named += [_text(mail, name) for name in ("In-Reply-To", "References")]
    found = (_OURS.search(text) for text in named)
    return next((one["id"] for one in found if one), "")


def _inner(part: MIMEPart) -> MIMEPart:
    """The headers in a part: a mail in a mail is parsed already, its headers alone are a text."""
    content = part.get_payload(0) if part.is_multipart() else None
    if isinstance(content, MIMEPart):
        return content
    raw = part.get_payload(decode=True)
    return BytesParser(policy=policy.default).parsebytes(raw if isinstance(raw, bytes) else b"", headersonly=True)


def _text(fields: MIMEPart, name: str) -> str:
    """A header in one line; empty where it is none, or cannot be read."""
    try:
        return " ".join(str(fields.get(name, "")).split())[:1000]
    except (ValueError, IndexError, AttributeError, TypeError):  # the standard library's parser, of broken headers
        return ""
