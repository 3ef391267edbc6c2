"""The contract of a channel's plugin, as tests: against a provider that the suite's author runs on loopback."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar, get_args

import msgspec
import pytest
from msgspec import structs

from ..channel_http import channel_client
from ..channels import open_channels
from ..config import Config, Store
from ..guard import GuardedTransport
from ..incoming import Incoming, Verdict
from ..message import Channel, Deferred, Kind, Message, Reach, SendingError
from ..packages import Package
from ..plugins import Plugins, load_plugins
from ..secret import Secret

_ACCOUNT = "contract"
_TO = {Reach.EMAIL: "mara@post.example", Reach.PHONE: "+4915112345678"}
_TELLING = ("secret", "password", "token", "key")
_EVIL = "Hello\r\nBcc: all@post.example\r\n\r\n\x00\u2028<script>"
_LONGEST = 128  # characters of a provider's name for a message
_MESSAGE = Message(
    id="msg_7m3kq9x2w4v6t8r0p5n1bcde",
    store="main",
    kind=Kind.DELIVERED,
    to=Secret(""),
    language="ar",
    subject="وصل طردك",
    preheader="اليوم",
    html='<p dir="rtl">وصل طردك</p>',
    text="وصل طردك\n",
    short="Harbour & Pine: وصل طردك https://track.shop.example/o/abc",
    link="https://track.shop.example/o/abc",
    preferences="https://track.shop.example/o/abc/messages",
    unsubscribe="https://track.shop.example/m/def",
    event={"kind": "delivered", "shop": "Harbour & Pine", "order": "1001"},
    at=datetime(2026, 11, 22, 12, tzinfo=UTC),
)


class ChannelContract:
    """Subclass it with the name of your package and two fixtures:

    `settings` are those of an account whose provider takes messages, on loopback while the test runs; `away` those of one whose
    provider is not there (or is not there for `away_to`). `to` is somebody whom it reaches.
    """

    package: ClassVar[str]
    to: ClassVar[str] = ""
    away_to: ClassVar[str] = ""

    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        pytest.fail("write a fixture `settings`: those of an account whose provider takes messages")

    @pytest.fixture
    def away(self) -> Mapping[str, Any]:
        pytest.fail("write a fixture `away`: settings of an account whose provider is not there")

    def test_it_registers_one_channel(self) -> None:
        offered = _offered(self.package)
        assert len(offered) == 1, f"register_channels gave {', '.join(offered) or 'nothing'}: one a package"

    def test_what_is_secret_in_its_settings_is_never_shown(self) -> None:
        for field in msgspec.structs.fields(self._kind().settings_type):
            if any(word in field.name for word in _TELLING):
                kinds = {field.type, *get_args(field.type)}
                assert Secret in kinds, f"{field.name} would be printed with the settings: make it a Secret"

    def test_a_message_is_handed_over(self, settings: Mapping[str, Any]) -> None:
        (reference,) = self._sent(settings, {})
        assert isinstance(reference, str), "send() gives the provider's own name for the message, or an empty text"
        assert len(reference) <= _LONGEST, f"a name of more than {_LONGEST} characters is not kept"

    def test_what_it_may_repeat_has_the_same_name_again(self, settings: Mapping[str, Any]) -> None:
        first, again = self._sent(settings, {}, {})
        assert first == again or not self._kind().repeatable, "repeatable: the same id is the same message"

    def test_line_breaks_and_what_is_no_text_do_no_harm(self, settings: Mapping[str, Any]) -> None:
        evil = dict.fromkeys(("subject", "preheader", "text", "short"), _EVIL)
        with suppress(SendingError):  # to say that it does not take it is as good
            self._sent(settings, evil)

    def test_several_are_handed_over_at_once(self, settings: Mapping[str, Any]) -> None:
        named = [{"id": f"{_MESSAGE.id[:-1]}{number}"} for number in range(8)]
        assert len(self._sent(settings, *named)) == 8

    def test_a_provider_that_is_not_there_delays(self, away: Mapping[str, Any]) -> None:
        with pytest.raises(Deferred):
            self._sent(away, {"to": Secret(self.away_to)} if self.away_to else {})

    def test_what_nobody_signed_is_not_heard(self, settings: Mapping[str, Any]) -> None:
        body = msgspec.json.encode({"reports": [{"fate": "complained", "id": _MESSAGE.id}]})

        async def heard() -> Verdict:
            async with self._account(settings) as channel:
                return channel.verify(Incoming({}, body))

        assert asyncio.run(heard()) is not Verdict.GENUINE, "anybody could say that somebody complained"

    def inside(self) -> Sequence[str]:
        """Addresses on loopback that the channel shall reach, beside those in its settings."""
        return ()

    def _sent(self, settings: Mapping[str, Any], *fields: Mapping[str, Any]) -> list[str]:
        """The names of messages that are sent at once, each with some `fields` of its own."""

        async def sent() -> list[str]:
            async with self._account(settings) as channel:
                usual = structs.replace(_MESSAGE, to=Secret(self.to or _TO.get(channel.reach, "")))
                return await asyncio.gather(*(channel.send(structs.replace(usual, **one)) for one in fields))

        return asyncio.run(sent())

    @asynccontextmanager
    async def _account(self, settings: Mapping[str, Any]) -> AsyncIterator[Channel[Any]]:
        kind = self._kind()
        raw = {"channel": kind.name, **settings}
        config = Config(stores={"main": Store(name="")}, channels={_ACCOUNT: raw}, file="the settings")
        plugins = Plugins()
        plugins.registered.channels[kind.name] = kind
        channels = open_channels(config, plugins)
        assert not channels.problems, f"{channels.problems[0].reason}: {channels.problems[0].next_step}"
        channel = channels.accounts[_ACCOUNT]
        if inside := self.inside():
            guard = GuardedTransport()
            for address in inside:
                guard.trust(address)
            channel.http = channel_client(guard)
        try:
            yield channel
        finally:
            await channels.aclose()

    def _kind(self) -> type[Channel[Any]]:
        return next(iter(_offered(self.package).values()))


@cache
def _offered(module: str) -> Mapping[str, type[Channel[Any]]]:
    """The channels of a package, by name, as the engine loads it."""
    plugins = load_plugins(Config(stores={"main": Store(name="")}), [Package(module, module, module, "0")])
    if plugins.broken:
        pytest.fail(f"{module}: {plugins.broken[0].reason}: {plugins.broken[0].next_step}")
    return plugins.registered.channels
