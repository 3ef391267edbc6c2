"""`POST /channels/{account}`: where providers tell what became of messages."""

from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from typing import Any

from anyio import to_thread
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from .channels import Channels
from .clock import Clock
from .database import Database, insert
from .fates import Fates, Told
from .inbox import Outcome, take
from .incoming import Incoming
from .message import Channel
from .metrics import Metrics
from .tables import requests

_SCOPE = "channel"


class ChannelsApi:
    """The route."""

    def __init__(self, channels: Channels, fates: Fates, database: Database, metrics: Metrics, *, clock: Clock) -> None:
        self._channels = channels
        self._fates = fates
        self._database = database
        self._metrics = metrics
        self._clock = clock

    async def reported(self, request: Request) -> Response:
        """`POST /channels/{account}`: a provider's signed reports of what became of messages."""
        account = request.path_params["account"]
        channel = self._channels.accounts.get(account)
        if channel is None:
            return Outcome("unknown account", 404).response
        outcome = await take(request, channel.verify, partial(self._keep, account, channel), account=account)
        self._metrics.reports.labels(account, outcome.text).inc()
        return outcome.response

    async def _keep(self, account: str, channel: Channel[Any], incoming: Incoming) -> Outcome:
        reports = await to_thread.run_sync(channel.read, incoming)
        if not reports:
            return Outcome("ignored")
        digest = sha256(b"\x1f".join((account.encode(), incoming.body))).hexdigest()
        told = [Told(report, channel.reach, account) for report in reports]
        return Outcome(await self._database.write(partial(self._settle, digest=digest, told=told)))

    def _settle(self, connection: Connection, digest: str, told: Sequence[Told]) -> str:
        row = {"scope": _SCOPE, "key": digest, "fingerprint": digest, "status": 200, "created_at": self._clock.now()}
        first = insert(connection, requests).on_conflict_do_nothing().returning(requests.c.key)
        if connection.scalar(first, row) is None:
            return "known"
        settled = [self._fates.settle(connection, one) for one in told]
        return "kept" if any(settled) else "nothing new"
