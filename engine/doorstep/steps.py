"""A plugin's exchange, a step at a time: its code, what it yields and what it returns, judged in the thread that runs it."""

from collections.abc import Callable, Generator
from typing import Any

from msgspec import Struct

from .auth import Auth, Credential
from .errors import CarrierError, PluginFailed
from .exchange import Request, Response


class Done(Struct, frozen=True):
    """The value a plugin's generator returned, taken in."""

    value: Any


class Exchanged:
    """A plugin's exchange, to be run in threads: each step gives the request it yields, signed, or Done with what it returned,
    taken in."""

    def __init__(
        self, begin: Callable[[], Any], take_in: Callable[[Any], Any] = lambda outcome: outcome,
        auth: Auth | None = None, credential: Credential | None = None,
    ) -> None:  # fmt: skip
        self._begin = begin
        self._take_in = take_in
        self._auth = auth
        self._credential = credential
        self._generator: Any = None

    def begin(self) -> Request | Done:
        generator = guarded(self._begin)
        if not isinstance(generator, Generator):
            raise PluginFailed(
                f"the exchange is a {type(generator).__name__}", next_step="write it as a generator (yield)"
            )
        self._generator = generator
        return self._step(lambda: next(generator))

    def advance(self, response: Response) -> Request | Done:
        return self._step(lambda: self._generator.send(response))

    def close(self) -> None:
        if self._generator is not None:
            guarded(self._generator.close)

    @property
    def is_open(self) -> bool:
        """Whether there is a generator that has not returned."""
        return self._generator is not None

    def _step(self, step: Callable[[], Any]) -> Request | Done:
        def stepped() -> Any:
            try:
                return step()
            except StopIteration as end:
                self._generator = None
                return Done(self._take_in(end.value))

        request = guarded(stepped)
        if isinstance(request, Done):
            return request
        if self._auth is not None and self._credential is not None and isinstance(request, Request):
            auth, credential = self._auth, self._credential
            request = guarded(lambda: auth.sign(request, credential))
        if not isinstance(request, Request):
            raise PluginFailed(f"the exchange yielded {type(request).__name__}", next_step="yield Request(…)")
        return request


def guarded(call: Any) -> Any:
    """Calls a plugin. What it raises that is no CarrierError becomes PluginFailed, SystemExit and the like too."""
    try:
        return call()
    except CarrierError:
        raise
    except BaseException as error:
        raise PluginFailed(f"the plugin raised {type(error).__name__}: {error}") from error
