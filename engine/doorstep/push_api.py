"""`POST /webhooks/{carrier}/{account}`: where carriers push. It answers before the carrier is asked."""

from functools import partial

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from .database import Database
from .inbox import Outcome, take
from .incoming import Incoming
from .intake import take_in_pushed
from .metrics import Metrics
from .plugins import Account, Plugins
from .pushes import Pushes


class PushApi:
    """The route."""

    def __init__(self, plugins: Plugins, pushes: Pushes, database: Database, metrics: Metrics) -> None:
        self._plugins = plugins
        self._pushes = pushes
        self._database = database
        self._metrics = metrics

    async def push(self, request: Request) -> Response:
        """`POST /webhooks/{carrier}/{account}`: a signed push of the carrier, to an account that has a secret for it."""
        account = self._plugins.accounts.get(request.path_params["account"])
        if account is None or account.carrier.manifest.slug != request.path_params["carrier"] or not account.hears:
            return Outcome("unknown account", 404).response
        outcome = await take(request, account.carrier.verify, partial(self._keep, account), account=account.name)
        self._metrics.pushes.labels(account.name, outcome.text).inc()
        return outcome.response

    async def _keep(self, account: Account, incoming: Incoming) -> Outcome:
        pushed = take_in_pushed(await to_thread.run_sync(account.carrier.push, incoming))
        if not self._pushes.in_time(pushed):
            return Outcome("out of time", 409)
        if not pushed.numbers:
            return Outcome("ignored")
        receive = partial(self._pushes.receive, account=account, incoming=incoming, pushed=pushed)
        if not await self._database.write(receive):
            return Outcome("known")
        self._pushes.ask(account, pushed.numbers)
        return Outcome("kept")
