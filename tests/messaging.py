"""Messages for tests."""

from datetime import UTC, datetime
from typing import Any

from msgspec import structs

from doorstep import Message, Secret
from doorstep.message import Kind

ID = "msg_7m3kq9x2w4v6t8r0p5n1bcde"
MESSAGE = Message(
    id=ID,
    store="main",
    kind=Kind.DELIVERED,
    to=Secret("mara@post.example"),
    language="de",
    subject="Dein Päckchen ist da",
    preheader="Heute um 11 Uhr",
    html="<p>Dein Päckchen ist da</p>",
    text="Dein Päckchen ist da.\n\n.Ein Punkt vorn\n",
    short="Harbour & Pine: Dein Päckchen ist da. https://track.shop.example/o/abc",
    link="https://track.shop.example/o/abc",
    preferences="https://track.shop.example/o/abc/messages",
    unsubscribe="https://track.shop.example/m/def",
    event={"kind": "delivered", "shop": "Harbour & Pine", "order": "1001"},
    at=datetime(2026, 11, 22, 12, tzinfo=UTC),
)


def message(**fields: Any) -> Message:
    """The message, with some of it another."""
    if isinstance(to := fields.get("to"), str):
        fields["to"] = Secret(to)
    return structs.replace(MESSAGE, **fields)
