"""The contract of a widget's plugin, as tests that say in plain words what is missing and why it matters."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ..packages import Package, found
from ..widget_rules import RULES, CannotTry, Feed, Rule, Trial, trials


class WidgetContract:
    """Subclass it with the name of your package: every rule then runs against your plugin.

    `settings` are those of a store (the widget's `example`, where none are given), with `slot` and `when` where they matter;
    `feeds` what its sources give, by name: the bytes and their content type. Of a package with several widgets, `widget`
    names one.
    """

    package: ClassVar[str]
    widget: ClassVar[str] = ""
    settings: ClassVar[Mapping[str, Any] | None] = None
    feeds: ClassVar[Mapping[str, Feed]] = {}

    @pytest.fixture
    def trial(self) -> Trial:
        try:
            offered = trials(_package(self.package), self.settings, self.feeds)
        except CannotTry as error:
            pytest.fail(str(error))
        named = [one for one in offered if self.widget in ("", one.name)]
        if len(named) != 1:
            pytest.fail(
                f"{self.package} has {', '.join(one.name for one in offered) or 'no widgets'}: name one in `widget`"
            )
        return named[0]

    @pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
    def test_contract(self, rule: Rule, trial: Trial) -> None:
        if problems := rule.problems(trial):
            pytest.fail("\n".join(problems))


@cache
def _package(module: str) -> Package:
    for package in found(Path("plugins")):
        if package.module == module:
            return package
    pytest.fail(
        f"{module!r} is neither in the folder plugins/ nor named by an entry point in the group 'doorstep':"
        " is it installed (pip install -e .)?"
    )
