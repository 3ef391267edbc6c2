"""What came of a message, of all that it was given to: judged in less time than it is on lease."""

import asyncio
from typing import Any

import httpx2
import pytest

from doorstep.handing import hand_over
from doorstep.message import Bounced, Channel, ChannelSettings, Deferred, InDoubt, Message, Reach, Refused
from doorstep.messages import LEASE
from doorstep.secret import Secret
from doorstep.taking import End

from .clock import SkippingLoop
from .messaging import message

FIVE = [Secret(f"browser {number}") for number in range(5)]


class Saying(Channel[ChannelSettings]):
    """Says to each contact what is in `answers`, after so many seconds."""

    name = "saying"
    reach = Reach.PUSH

    def __init__(self, answers: dict[str, Exception] | None = None, *, seconds: float = 0.0) -> None:
        super().__init__(ChannelSettings(), httpx2.AsyncClient())
        self.answers = answers or {}
        self.seconds = seconds

    async def send(self, message: Message) -> str:
        await asyncio.sleep(self.seconds)
        if error := self.answers.get(message.to.reveal()):
            raise error
        return f"to {message.to.reveal()}"


class Repeating(Saying):
    repeatable = True


def handed(channel: Saying) -> tuple[End, float]:
    """What came of it, and after how many seconds."""

    async def measured() -> tuple[End, float]:
        end = await hand_over(channel, message(), FIVE)
        return end, round(asyncio.get_running_loop().time(), 3)

    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        return runner.run(measured())


@pytest.mark.parametrize("channel", [Saying, Repeating])
def test_five_silent_browsers_together_take_a_hundred_seconds_and_outlive_no_lease(channel: type[Saying]) -> None:
    end, seconds = handed(channel(seconds=1e6))
    assert (seconds, end.error) == (100.0, "not done within 100 s")
    assert (end.state, end.in_doubt) == ("waiting" if channel.repeatable else "in_doubt", True)
    assert seconds < LEASE.total_seconds()


def test_a_mail_server_may_take_its_minute() -> None:
    assert handed(Saying(seconds=90)) == (End("sent", "to browser 0"), 90.0)


def every(error: Exception, **others: Any) -> dict[str, Exception]:
    return {one.reveal(): others.get(f"at_{one.reveal()[-1]}", error) for one in FIVE}


def test_it_is_sent_when_one_was_reached_and_those_that_are_gone_are_told() -> None:
    gone = {one.reveal(): Bounced("gone") for one in FIVE[1:]}
    end, _ = handed(Saying(gone))
    assert (end.state, end.reference, end.bounced) == ("sent", "to browser 0", tuple(FIVE[1:]))


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        (every(Bounced("gone")), "bounced"),
        (every(Bounced("gone"), at_3=Refused("spam")), "refused"),
        (every(Refused("spam"), at_3=Deferred("later", seconds=7)), "waiting"),
        (every(Deferred("later"), at_3=InDoubt("no answer")), "in_doubt"),
        (every(Deferred("later"), at_3=RuntimeError("a slip of the plugin")), "in_doubt"),
    ],
)
def test_of_several_answers_the_one_counts_that_is_nearest_to_sent(answers: dict[str, Exception], state: str) -> None:
    end, _ = handed(Saying(answers))
    assert end.state == state
