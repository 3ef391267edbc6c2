"""How long a server wants to be left alone."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from .errors import LONGEST_WAIT


def retry_after(header: str, now: datetime) -> float | None:
    """`Retry-After` in seconds, bounded to an hour; None when it is missing or makes no sense."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)
