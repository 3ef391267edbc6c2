"""A shop that mails its customers by SMTP: the whole engine, on a clock that goes as a test says.

python -m tests.mailing DATABASE MAIL_SERVER SECONDS        a worker that plans and sends until it is killed
"""

import asyncio
import sys
from typing import Any

from doorstep.config import Config, Messages, Quiet, Store
from doorstep.engine import Engine, create_engine
from doorstep.packages import installed

from .clock import FakeClock
from .orders import KEY

PLUGINS = ("doorstep_email", "doorstep_survey")
SENDER = "Harbour & Pine <orders@shop.example>"
NO_QUIET = Quiet(start=Quiet().end, end=Quiet().end)


def open_shop(database: str, mail_server: str, clock: FakeClock, *, quiet: Quiet | None = None) -> Engine:
    """An engine whose store tells by mail what belongs to an order, without being asked to."""
    wishes = Messages(channels=("mail",), unasked=("mail",), quiet=quiet or Quiet())
    shop = Store(
        "Harbour & Pine", public_url="http://shop.example", timezone="Europe/Berlin", messages=wishes,
        widgets={"survey": {}},
    )  # fmt: skip
    mail: dict[str, Any] = {"channel": "email", "url": f"smtp://{mail_server}", "sender": SENDER, "patience": 0.5}
    config = Config(stores={"main": shop}, secret_key=(KEY,), database=database, channels={"mail": mail})
    return create_engine(config, clock=clock, packages=[one for one in installed() if one.module in PLUGINS])


async def work_off(engine: Engine) -> None:
    """What is to be said now is said."""
    while await engine.speaking.planner.run_once() + await engine.speaking.sender.run_once(wait=60):
        pass


async def _work(database: str, mail_server: str, seconds: float) -> None:
    clock = FakeClock()
    clock.advance(seconds)
    engine = open_shop(database, mail_server, clock, quiet=NO_QUIET)
    engine.database.open_now()
    while True:
        await work_off(engine)
        clock.advance(30)
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(_work(sys.argv[1], sys.argv[2], float(sys.argv[3])))
