"""What the contract suites say to the author of a plugin that they cannot try."""

from pathlib import Path
from typing import Any

import pytest

from doorstep.testing import CarrierContract, ChannelContract, WidgetContract


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
