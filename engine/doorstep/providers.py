"""What channels to a provider have in common: an answer by HTTP is judged the same everywhere, and so is what the provider
tells later, in Doorstep's own shape:

    POST /channels/<account>
    {"reports": [{"fate": "bounced", "id": "msg_…", "reference": "…", "reason": "550 5.1.1 no such user"}]}

signed by Standard Webhooks. Of `id` and `reference` one is enough.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx2
import msgspec
from msgspec import Struct

from .errors import ProtocolError
from .incoming import Incoming, Verdict
from .message import Channel, ChannelSettings, Deferred, InDoubt, Refused, Report
from .secret import Secret
from .signing import Signer
from .waits import retry_after

_NOT_NOW = frozenset({408, 425, 429, 503})
# Not this message's fault: a wrong key, an unpaid bill, a wrong address in the settings.
_ACCOUNT = frozenset({301, 302, 303, 307, 308, 401, 402, 403, 404, 405, 410})
_ACCOUNT_WAIT = 300.0  # seconds: somebody has to mend it first


class ProviderSettings(ChannelSettings, frozen=True, forbid_unknown_fields=True):
    """As ChannelSettings. Reports may be signed by any of `report_secret`; without one, none is heard."""

    report_secret: tuple[Secret, ...] = ()


class _Reports(Struct, frozen=True):
    reports: tuple[Report, ...]


P = TypeVar("P", bound=ProviderSettings)


class ProviderChannel(Channel[P]):
    """Base of channels that hand over by HTTP, or that hear in Doorstep's own shape what became of a message."""

    def __init__(self, settings: P, http: httpx2.AsyncClient) -> None:
        super().__init__(settings, http)
        secrets = settings.report_secret
        self._reports = Signer(secrets, setting="report_secret") if secrets else None

    async def post(
        self, url: str, content: bytes, headers: Mapping[str, str], *, own: Collection[int] = ()
    ) -> httpx2.Response:
        """The answer of a provider that took what was posted, or that answered with a status of the channel's `own`. Raises
        Deferred, Refused and InDoubt for every other."""
        response = await self.http.post(url, content=content, headers=headers)
        status = response.status_code
        if status in _ACCOUNT and status not in own:
            self.trouble = f"its provider answers HTTP {status}"
            raise Deferred(self.trouble, seconds=_ACCOUNT_WAIT, next_step="check its address and its key")
        self.trouble = ""
        if response.is_success or status in own:
            return response
        if status in _NOT_NOW:
            wait = retry_after(response.headers.get("retry-after", ""), datetime.now(UTC))
            raise Deferred(f"its provider answers HTTP {status}", seconds=wait)
        if status >= 500:
            raise InDoubt(f"its provider answers HTTP {status}")
        raise Refused(f"its provider answers HTTP {status}")

    def verify(self, incoming: Incoming) -> Verdict:
        return Verdict.of(self._reports is not None and self._reports.signed(incoming, datetime.now(UTC)))

    def read(self, incoming: Incoming) -> Sequence[Report]:
        try:
            return msgspec.json.decode(incoming.body, type=_Reports).reports
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ProtocolError(f"these are no reports: {error}") from None


def text_of(response: httpx2.Response, name: str) -> str:
    """A text of a provider's JSON answer; empty where it has none."""
    try:
        said: Any = msgspec.json.decode(response.content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    found = said.get(name) if isinstance(said, dict) else None
    return found[:128] if isinstance(found, str) else ""
