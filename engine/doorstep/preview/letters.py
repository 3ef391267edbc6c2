"""The messages of the preview: each kind in the statuses in which it may be sent, and several kinds in one."""

from datetime import datetime, timedelta

from msgspec import Struct, structs

from ..jobs import Job
from ..letters import Letter, LetterLinks
from ..message import Kind, Reach, Topic
from ..models import Status
from ..order_views import Looked
from ..orderbook import KeptOrder
from ..secret import Secret
from ..shops import Shop
from .orders import invented_order, looked_at

MESSAGE = "message."  # before the names of messages, where pages have names, too
_NOBODY = Secret("")
_PAGE = "https://shop.example/o/preview/"  # where no store says how it is reached
_WAY: dict[Kind, tuple[Status, ...]] = {
    Kind.ON_ITS_WAY: (Status.IN_TRANSIT, Status.ACCEPTED, Status.CUSTOMS),
    Kind.ARRIVES_TODAY: (Status.OUT_FOR_DELIVERY,),
    Kind.READY_FOR_PICKUP: (Status.AVAILABLE_FOR_PICKUP,),
    Kind.PICKUP_REMINDER: (Status.AVAILABLE_FOR_PICKUP,),
    Kind.DELIVERED: (Status.DELIVERED,),
    Kind.ATTEMPTED: (Status.DELIVERY_ATTEMPTED,),
    Kind.DELAYED: (Status.IN_TRANSIT, Status.CUSTOMS),
    Kind.NEEDS_ACTION: (Status.EXCEPTION, Status.CUSTOMS),
    Kind.RETURNED: (Status.RETURNING, Status.RETURNED),
}
_REASONS = {
    (Kind.NEEDS_ACTION, Status.EXCEPTION): "address.incomplete",
    (Kind.NEEDS_ACTION, Status.CUSTOMS): "customs.duties",
}
_ABOUT_ITEMS = (Kind.HOW_TO, Kind.REPLENISH, Kind.WARRANTY)


class LetterCase(Struct, frozen=True):
    """A message: its kinds, and how far the order's parcels have come, of which it is about as many as there are kinds."""

    name: str
    title: str
    kinds: tuple[Kind, ...]
    statuses: tuple[Status, ...]
    concerned: int = 1


class _Links:
    """Addresses that lead nowhere."""

    def __init__(self, page: str) -> None:
        self._page = page

    def order(self, order: KeptOrder, kind: Kind) -> str:
        return f"{self._page}?m={kind.value}"

    def preferences(self, order: KeptOrder) -> str:
        return f"{self._page}messages"

    def unsubscribe(self, order: KeptOrder, topic: Topic, reach: Reach) -> str:
        return f"{self._page}messages?off={topic.value}"

    def confirm(self, order: KeptOrder, reach: Reach, to: Secret) -> str:
        return f"{self._page}messages?confirm={reach.value}"

    def opened(self, order: KeptOrder, message: str) -> str:
        return f"{self._page}opened.gif"


def letter(
    shop: Shop, case: LetterCase, now: datetime, language: str = "", *, id: str = "msg_preview",
    reach: Reach = Reach.EMAIL, to: Secret = _NOBODY,
) -> Letter:  # fmt: skip
    """The message of a case, as this store says it. Its addresses lead nowhere."""
    job, order, looked = invented(shop, case, now, language, id=id, reach=reach)
    return Letter(shop, links_of(shop), job, order, looked, to, now)


def invented(
    shop: Shop,
    case: LetterCase,
    now: datetime,
    language: str = "",
    *,
    id: str = "msg_preview",
    reach: Reach = Reach.EMAIL,
) -> tuple[Job, KeptOrder, list[Looked]]:
    """What a composer is given for the message of a case."""
    looked = [_looked(case, i, status, now) for i, status in enumerate(case.statuses, 1)]
    order = _with_warranty(invented_order(tuple(one.parcel for one in looked), now), now)
    about = tuple(one.parcel.id for one in looked[: case.concerned]) if case.kinds[0] in _WAY else ()
    item = "item-1" if case.kinds[0] in _ABOUT_ITEMS else ""
    job = Job(id, shop.id, order.id, about, case.kinds, reach, language or shop.config.language, item)
    return job, order, looked


def links_of(shop: Shop) -> LetterLinks:
    """Addresses of a store's invented order."""
    origin = shop.config.public_url.rstrip("/")
    return _Links(f"{origin}{shop.config.path}/o/preview/" if origin else _PAGE)


def _looked(case: LetterCase, i: int, status: Status, now: datetime) -> Looked:
    looked = looked_at(i, status, now)
    reason = _REASONS.get((case.kinds[0], status), "")
    if looked.shipment is None or not reason:
        return looked
    return structs.replace(looked, shipment=structs.replace(looked.shipment, reason=reason, action_required=True))


def _with_warranty(order: KeptOrder, now: datetime) -> KeptOrder:
    first, *others = order.order.items
    ending = structs.replace(first, warranty_until=now.date() + timedelta(days=30))
    return structs.replace(order, order=structs.replace(order.order, items=(ending, *others)))


def _case(kind: Kind, status: Status) -> LetterCase:
    title = kind.value.replace("_", " ").capitalize()
    if kind not in _WAY:
        return LetterCase(f"{MESSAGE}{kind.value}", title, (kind,), (status,))
    of_several = len(_WAY[kind]) > 1
    stage = status.value.replace("_", " ")
    name = f"{MESSAGE}{kind.value}" + (f".{status.value}" if status is not _WAY[kind][0] else "")
    return LetterCase(name, f"{title}, {stage}" if of_several else title, (kind,), (status,))


LETTERS = {
    case.name: case
    for case in (
        *(_case(kind, status) for kind in Kind for status in _WAY.get(kind, (Status.DELIVERED,))),
        LetterCase(
            f"{MESSAGE}several", "Several at once", (Kind.READY_FOR_PICKUP, Kind.DELIVERED),
            (Status.AVAILABLE_FOR_PICKUP, Status.DELIVERED, Status.IN_TRANSIT), concerned=2,
        ),
        LetterCase(
            f"{MESSAGE}part", "One of several parcels", (Kind.ON_ITS_WAY,), (Status.IN_TRANSIT, Status.LABEL_CREATED),
        ),
    )
}  # fmt: skip
