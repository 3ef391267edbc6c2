"""Every error Doorstep raises on purpose, in one tree.

    DoorstepError
    ├── ConfigError          a setting is missing, misspelt or of the wrong type
    ├── PluginError          a plugin cannot be loaded or registers wrongly
    ├── ManifestError        a carrier.toml or codes.toml says something it may not
    ├── ThemeError           a template or theme.toml is wrong (file and line)
    ├── CatalogError         a catalog, a glossary or a shop's own words cannot be used
    ├── NumberError          what was typed cannot be a tracking number
    ├── StoreError           the database did not take or give what was asked
    ├── OrderExists          a store has an order with that number already
    ├── OrderChanged         somebody else wrote the order in between
    ├── KeyReused            an Idempotency-Key came with another request
    ├── SourceError          what a widget needs from outside cannot be had or read
    └── CarrierError         a carrier did not answer the question
        ├── CarrierUnavailable   no connection, a timeout, a 5xx, an open breaker
        ├── RateLimited          the carrier or our own budget says: not now
        ├── AuthExpired          the credential is no longer accepted: log in again, once
        ├── AuthRefused          the credential is wrong
        ├── ProtocolError        the answer is not what the carrier documents
        └── PluginFailed         the carrier's plugin raised, hung or misbehaved

A message names the thing, the place and the next step. It is for operators and developers; what a shopper reads is
translated from `code`.
"""

from typing import ClassVar

LONGEST_WAIT = 3600.0  # seconds that anybody may tell us to wait


class DoorstepError(Exception):
    """Base of all; `next_step` says what the reader can do now."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message}: {self.next_step}" if self.next_step else self.message


class ConfigError(DoorstepError):
    code = "config"


class PluginError(DoorstepError):
    code = "plugin"


class ManifestError(DoorstepError):
    code = "manifest"


class ThemeError(DoorstepError):
    """A theme cannot be used; `file` and `line` say where."""

    code = "theme"

    def __init__(self, message: str, *, file: str = "", line: int | None = None, next_step: str = "") -> None:
        place = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(place + message, next_step=next_step)
        self.file = file
        self.line = line


class CatalogError(DoorstepError):
    code = "catalog"


class NumberError(DoorstepError):
    code = "invalid_number"


class StoreError(DoorstepError):
    code = "store"


class OrderExists(DoorstepError):
    code = "order_exists"


class OrderChanged(DoorstepError):
    code = "order_changed"


class KeyReused(DoorstepError):
    code = "key_reused"


class SourceError(DoorstepError):
    """What a widget needs from outside cannot be had or read. `server`: not this address alone, but whoever stands behind it;
    `absent`: it is said not to be there; `retry_after` is in seconds, an hour at most, where it names a time."""

    code = "source"

    def __init__(
        self, message: str, *, server: bool = False, absent: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.server = server
        self.absent = absent
        self.retry_after = retry_after


class CarrierError(DoorstepError):
    """A carrier did not answer; `retry_after` is in seconds, an hour at most, when the carrier (or the breaker, or the budget)
    names it. What is no time to come is None."""

    code = "carrier_unavailable"

    def __init__(self, message: str, *, next_step: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, next_step=next_step)
        names_a_time = isinstance(retry_after, int | float) and retry_after >= 0
        self.retry_after = min(retry_after, LONGEST_WAIT) if retry_after is not None and names_a_time else None


class CarrierUnavailable(CarrierError):
    pass


class RateLimited(CarrierError):
    code = "rate_limited"


class AuthExpired(CarrierError):
    code = "auth_expired"


class AuthRefused(CarrierError):
    code = "auth_refused"


class ProtocolError(CarrierError):
    code = "protocol"


class PluginFailed(CarrierError):
    code = "plugin_failed"
