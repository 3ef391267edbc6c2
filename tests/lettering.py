"""Messages for tests: a shop, an invented order whose parcels have come so far, and what is said of them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import structs

from doorstep import Message, Reach, Secret, Status, Topic
from doorstep.config import Config, Messages, Store
from doorstep.engine import create_engine
from doorstep.jobs import Job
from doorstep.letters import Composer, Letter
from doorstep.message import Kind
from doorstep.order_views import Looked
from doorstep.orderbook import KeptOrder
from doorstep.preview.orders import invented_order, looked_at
from doorstep.shops import Shop, Shops

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday
STORE = Store(
    name="Harbour & Pine",
    public_url="https://shop.example/",
    home_url="/",
    contact_url="/help",
    image_hosts=("img.example",),
    messages=Messages(channels=("mail",)),
)
TO = Secret("ada@post.example")


class Links:
    """Addresses that say what they are for."""

    def order(self, order: KeptOrder, kind: Kind) -> str:
        return f"https://shop.example/o/token/?m={kind.value}"

    def preferences(self, order: KeptOrder) -> str:
        return "https://shop.example/o/token/messages"

    def unsubscribe(self, order: KeptOrder, topic: Topic, reach: Reach) -> str:
        return f"https://shop.example/m/{topic.value}-{reach.value}"

    def confirm(self, order: KeptOrder, reach: Reach, to: Secret) -> str:
        return f"https://shop.example/m/confirm-{reach.value}-{len(to.reveal())}"

    def opened(self, order: KeptOrder, message: str) -> str:
        return f"https://shop.example/m/{message}/opened.gif"


def shop_of(folder: Path, **fields: Any) -> Shop:
    """The store, with these settings over its own."""
    store = structs.replace(STORE, **fields)
    config = Config(stores={"main": store}, channels={"mail": {}}, secret_key=(Secret("k" * 32),), base=folder)
    return create_engine(config, packages=[]).shops.all[0]


def ordered(*statuses: Status, **fields: Any) -> tuple[KeptOrder, list[Looked]]:
    """An order with a parcel in each of these states; `fields` are the order's own."""
    looked = [looked_at(i, status, NOON) for i, status in enumerate(statuses, 1)]
    kept = invented_order(tuple(one.parcel for one in looked), NOON)
    return structs.replace(kept, order=structs.replace(kept.order, **fields)), looked


def job(
    *kinds: Kind, parcels: Sequence[int] = (1,), reach: Reach = Reach.EMAIL, language: str = "", item: str = ""
) -> Job:
    about = tuple(f"parcel-{i}" for i in parcels)
    return Job("msg_1", "main", "preview", about, kinds, reach, language, item)


def composed(shop: Shop, wanted: Job, order: KeptOrder, looked: Sequence[Looked]) -> Message:
    return Composer(Shops([shop]), Links()).write(wanted, order, looked, TO, NOON)


def letter_of(shop: Shop, wanted: Job, order: KeptOrder, looked: Sequence[Looked]) -> Letter:
    return Letter(shop, Links(), wanted, order, looked, TO, NOON)


def said(shop: Shop, kind: Kind, status: Status, **fields: Any) -> Message:
    """What a kind says of the only parcel of an order, in this state."""
    return composed(shop, job(kind, **fields), *ordered(status))
