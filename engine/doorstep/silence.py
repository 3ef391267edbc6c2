"""Says nothing to anybody: stands where there is nobody yet who writes messages, or knows who wants them."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection

from .jobs import Job
from .message import Message, Reach, Topic
from .order_views import Looked
from .orderbook import KeptOrder
from .secret import Secret

NOBODY = "nobody is written to"


class Nobody(Struct, frozen=True):
    to: None = None
    reason: str = NOBODY


class Silence:
    """As composer, and as who knows the recipients."""

    def recipients(
        self, connection: Connection, order: KeptOrder, topic: Topic, reach: Reach, *, unasked: bool
    ) -> Sequence[Nobody]:
        return [Nobody()]

    def to_ask(self, connection: Connection, order: KeptOrder, once: str) -> Nobody:
        return Nobody()

    def unreached(self, connection: Connection, store: str, reach: Reach, to: Secret, reason: str) -> None:
        pass

    async def compose(self, job: Job, order: KeptOrder, looked: Sequence[Looked], to: Secret, at: datetime) -> Message:
        raise LookupError(NOBODY)


SILENT = Silence()
