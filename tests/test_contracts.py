"""What the author of a plugin is told of what is not there: by the contract suites, and by what a plugin is made from."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from doorstep import (
    Carrier,
    Channel,
    ChannelSettings,
    Connector,
    ConnectorSettings,
    Document,
    FormProblem,
    Incoming,
    Kind,
    NoSettings,
    Query,
    Verdict,
    Widget,
)
from doorstep.testing import CarrierContract, ChannelContract, WidgetContract

from .acme import ACME, CODES

NEWS = Incoming({}, b"{}")


def suite(of: type[Any], **fields: Any) -> Any:
    """A suite as an author writes one."""
    return type("Contract", (of,), fields)()


def fixture(of: Any, name: str) -> Any:
    """What pytest is given for a fixture of a suite."""
    return getattr(type(of), name).__wrapped__(of)


def told(*what: str) -> Any:
    return pytest.raises(pytest.fail.Exception, match=".*".join(what))


def test_a_package_that_is_nowhere_is_named_with_where_it_was_looked_for() -> None:
    carrier = suite(CarrierContract, package="doorstep_nowhere")
    with told("'doorstep_nowhere' is neither in the folder plugins/", "is it installed"):
        carrier.contract_cases("test_sample_is_read_as_worked_out_by_hand")
    with told("'doorstep_nowhere' is neither in the folder plugins/", "is it installed"):
        fixture(suite(WidgetContract, package="doorstep_nowhere"), "trial")
    with told("doorstep_nowhere: the package 'doorstep_nowhere' is not installed"):
        suite(ChannelContract, package="doorstep_nowhere").test_it_registers_one_channel()


def test_a_widget_s_suite_says_which_widgets_there_are() -> None:
    with told("doorstep_dhl has no widgets"):
        fixture(suite(WidgetContract, package="doorstep_dhl"), "trial")
    with told("doorstep_survey has survey: name one in `widget`"):
        fixture(suite(WidgetContract, package="doorstep_survey", widget="surveys"), "trial")


def test_a_widget_that_cannot_be_loaded_is_told_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plugins" / "doorstep_halves").mkdir(parents=True)
    (tmp_path / "plugins" / "doorstep_halves" / "__init__.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    with told("ZeroDivisionError: division by zero"):
        fixture(suite(WidgetContract, package="doorstep_halves"), "trial")


def test_a_channel_s_suite_asks_for_the_fixtures_that_only_its_author_can_write() -> None:
    channel = suite(ChannelContract, package="doorstep_sms")
    for name in ("settings", "away"):
        with told(f"write a fixture `{name}`"):
            fixture(channel, name)


def test_a_package_without_a_channel_is_told_so() -> None:
    with pytest.raises(AssertionError, match="register_channels gave nothing: one a package"):
        suite(ChannelContract, package="doorstep_dhl").test_it_registers_one_channel()


class Bare(Carrier[NoSettings]):
    pass


class Deaf(Connector[ConnectorSettings]):
    pass


class Mute(Channel[ChannelSettings]):
    pass


class Blank(Widget[Any]):
    pass


@pytest.mark.parametrize(
    ("called", "missing"),
    [
        (lambda carrier: carrier.track(Query("1")), "track"),
        (lambda carrier: carrier.track_many([Query("1")]), "track_many"),
        (lambda carrier: carrier.register([Query("1")]), "register"),
        (lambda carrier: carrier.verify(NEWS), "verify"),
        (lambda carrier: carrier.document(Query("1"), Document("photo", "7")), "document"),
        (lambda carrier: carrier.push(NEWS), "push"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_carrier_has_not_written_is_named_with_its_class(called: Callable[[Any], Any], missing: str) -> None:
    with pytest.raises(NotImplementedError, match=rf"^Bare has no {missing}\(\)$"):
        called(Bare(ACME, CODES, NoSettings()))


@pytest.mark.parametrize(
    ("called", "missing"),
    [
        (lambda: Deaf(Any).verify(NEWS), "Deaf has no verify"),
        (lambda: Deaf(Any).read(NEWS), "Deaf has no read"),
        (lambda: asyncio.run(Mute(ChannelSettings(), Any).send(Any)), "Mute has no send"),
        (lambda: Blank(None).context(Any), "Blank has no context"),
    ],
    ids=["connector verify", "connector read", "channel", "widget"],
)
def test_what_another_plugin_has_not_written_is_named_with_its_class(called: Callable[[], Any], missing: str) -> None:
    with pytest.raises(NotImplementedError, match=rf"^{missing}\(\)$"):
        called()


def test_what_a_plugin_need_not_write_says_nothing() -> None:
    assert Mute(ChannelSettings(), Any).verify(NEWS) is Verdict.REFUSED
    assert Mute(ChannelSettings(), Any).read(NEWS) == ()
    assert (Blank(None).sources(Any), Blank(None).codes(), Blank(None).follows(Kind.DELIVERED)) == ((), None, False)
    with pytest.raises(FormProblem, match="cannot be sent"):
        Blank(None).submit({}, Any)
