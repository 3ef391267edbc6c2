"""Hands a message to its channel, for all contacts that it goes to at once, and says what came of it."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from msgspec import structs

from .message import Bounced, Channel, Deferred, InDoubt, Message, Refused
from .messages import State
from .secret import Secret
from .taking import End

# Seconds in all, less than a lease: a mail server may look through a mail for a minute before it answers.
HANDING = 100.0
_BEST: tuple[State, ...] = ("sent", "in_doubt", "waiting", "refused", "bounced")

log = structlog.get_logger("doorstep.handing")


async def hand_over(channel: Channel[Any], message: Message, contacts: Sequence[Secret]) -> End:
    """It is sent when one of the contacts was reached, or may have been."""
    ends = await asyncio.gather(*(_to_one(channel, structs.replace(message, to=to)) for to in contacts))
    bounced = tuple(to for to, end in zip(contacts, ends, strict=True) if end.state == "bounced")
    best = min(ends, key=lambda end: _BEST.index("in_doubt" if end.in_doubt else end.state))
    return structs.replace(best, bounced=bounced)


async def _to_one(channel: Channel[Any], message: Message) -> End:
    try:
        async with asyncio.timeout(HANDING):
            return End("sent", await channel.send(message))
    except Deferred as error:
        return End("waiting", error=error.message, seconds=error.seconds or 0.0)
    except Bounced as error:
        return End("bounced", error=error.message)
    except Refused as error:
        return End("refused", error=error.message)
    except (InDoubt, TimeoutError) as error:
        return _doubtful(channel, str(error) or f"not done within {HANDING:g} s")
    except Exception as error:
        log.exception("channel failed", channel=channel.name, id=message.id, error=type(error).__name__)
        return _doubtful(channel, type(error).__name__)


def _doubtful(channel: Channel[Any], error: str) -> End:
    return End("waiting" if channel.repeatable else "in_doubt", error=error, in_doubt=True)
