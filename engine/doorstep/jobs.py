"""A job: what is to be told to an order's customer, and how they are reached."""

from msgspec import Struct

from .message import Kind, Reach


class Job(Struct, frozen=True):
    """`kinds` are told in one message, the most pressing first. `item` is what HOW_TO, REPLENISH and WARRANTY are about: the
    item's id, else its sku, else its name in the order. `language` is the order's when it is empty."""

    id: str
    store: str
    order_id: str
    parcel_ids: tuple[str, ...]
    kinds: tuple[Kind, ...]
    reach: Reach
    language: str = ""
    item: str = ""
