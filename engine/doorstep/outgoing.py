"""Links out: a widget's links lead over the store's own address, which counts that somebody left by them.

    /out/{widget}?to=https://shop.example/mug&s=…        s = store, widget and address, signed with the engine's secret

Nobody else can make one, so that the store's address sends readers nowhere that the shop did not name. A link is the same
each time it is made: pages that hold it may be shared.
"""

from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote

from itsdangerous import Signer

from .addresses import is_web_address
from .secret import Secret

LONGEST = 2000  # characters of an address
_PURPOSE = b"doorstep link out"
_MOST_KEPT = 4096
_BETWEEN = "\n"  # which is in no address


class Outgoing:
    """Makes links out, and knows them again. The first secret key signs, all verify."""

    def __init__(self, secret_keys: Sequence[Secret]) -> None:
        texts = [key.reveal() for key in reversed(secret_keys)]  # itsdangerous signs with the last
        self._signer = Signer(texts, salt=_PURPOSE)
        self.link = lru_cache(_MOST_KEPT)(self._link)

    def _link(self, base: str, store: str, widget: str, to: str) -> str:
        """The address of a link out of a widget of the store. Raises ValueError for an address that is not of the web."""
        if not leads_out(to):
            raise ValueError(
                f"{to[:200]!r} cannot be linked: it is no http(s) address, and no path that starts with one /"
            )
        signature = self._signer.get_signature(_signed(store, widget, to)).decode()
        return f"{base}/out/{widget}?to={quote(to, safe='')}&s={signature}"

    def holds(self, store: str, widget: str, to: str, signature: str) -> bool:
        """Whether this engine made the link, for this store and widget, to this very address."""
        return leads_out(to) and self._signer.verify_signature(_signed(store, widget, to), signature)


def leads_out(to: str) -> bool:
    """Whether an address may stand in a link out: http(s) with a host, or a path of this very host."""
    return len(to) <= LONGEST and is_web_address(to, paths=True)


def _signed(store: str, widget: str, to: str) -> bytes:
    return _BETWEEN.join((store, widget, to)).encode()
