"""Signed links to drafts of a store's appearance: only who was given one sees the draft, on the store's own address."""

from collections.abc import Sequence
from datetime import datetime

from itsdangerous import BadData, URLSafeSerializer

from .clock import Clock
from .secret import Secret

PARAMETER = "draft"
LONGEST_TOKEN = 300
_PURPOSE = "doorstep draft link"


class DraftLinks:
    """Makes and reads tokens. The first secret key signs, all verify."""

    def __init__(self, secret_keys: Sequence[Secret], *, clock: Clock) -> None:
        texts = [key.reveal() for key in reversed(secret_keys)]  # itsdangerous signs with the last
        self._signer = URLSafeSerializer(texts, salt=_PURPOSE)
        self._clock = clock

    def token(self, store: str, draft: str, expires_at: datetime) -> str:
        return str(self._signer.dumps([store, draft, int(expires_at.timestamp())]))

    def read(self, token: str, store: str) -> str | None:
        """The draft that the token opens at this store, or None."""
        if len(token) > LONGEST_TOKEN:
            return None
        try:
            named, draft, expires = self._signer.loads(token)
        except (BadData, ValueError, TypeError):
            return None
        holds = named == store and expires > self._clock.now().timestamp()
        return str(draft) if holds else None
