"""What the contract suite and `doorstep check plugin` find in a plugin whose pushes are not as they should be."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from doorstep.checking import check_plugins
from doorstep.cli import main
from doorstep.packages import in_folder
from doorstep.plugins import Account
from doorstep.samples import Samples
from doorstep.scaffold import new_carrier
from doorstep.testing.carriers import CarrierContract, _account, _samples

from .posting import signed

Suite = tuple[CarrierContract, Samples, Account]
VERIFY = "return Verdict.of(is_signed(incoming.body, self.push_secrets(), incoming.header('x-signature'), hex=True))"
PUSH = "return Pushed(tuple(one.text() for one in incoming.json().expect('numbers').each()))"
BODY = b'{"numbers": ["AB482107352", "AB753901643"]}\n'


@pytest.fixture
def pushing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Suite]]:
    """A new plugin that pushes, with these methods: its suite, its samples, its account."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    made: list[str] = []

    def make(name: str, *, verify: str = VERIFY, push: str = PUSH, expected: Any = None) -> Suite:
        new_carrier(name, tmp_path, shop=True)
        module = f"doorstep_{name.lower().replace(' ', '_')}"
        made.append(module)
        folder = tmp_path / "plugins" / module
        code = (folder / "__init__.py").read_text("utf-8")
        code = code.replace("(CarrierSettings, frozen", "(PushSettings, frozen")
        code = code.replace("CarrierSettings,", "PushSettings, Pushed, Verdict, is_signed,")
        methods = (
            f"    def verify(self, incoming):\n        {verify}\n\n    def push(self, incoming):\n        {push}\n\n"
        )
        (folder / "__init__.py").write_text(code.replace("    def track(", f"{methods}    def track(", 1), "utf-8")
        manifest = folder / "carrier.toml"
        manifest.write_text('can = ["push"]\n' + manifest.read_text("utf-8"), "utf-8")
        sandbox = folder / "samples" / "sandbox.toml"
        text = sandbox.read_text("utf-8").replace("[settings]\n", '[settings]\npush_secret = "signed with this"\n')
        sandbox.write_text(text, "utf-8")
        _sample(folder / "samples" / "pushed", expected or {"numbers": ["AB482107352", "AB753901643"]})
        suite = type("Contract", (CarrierContract,), {"package": module})()
        samples = _samples(module)
        return suite, samples, _account(module, samples.settings, "https://sandbox.invalid")

    yield make
    for module in made:
        sys.modules.pop(module, None)


def _sample(folder: Path, expected: Any) -> None:
    folder.mkdir()
    signature = signed(BODY)["X-Post-Signature"]
    case = f'title = "News"\nrole = "push"\n[push]\nheaders = {{ X-Signature = "{signature}" }}\nbody = "push.json"\n'
    (folder / "case.toml").write_text(case, "utf-8")
    (folder / "push.json").write_bytes(BODY)
    (folder / "expected.json").write_text(json.dumps(expected), "utf-8")


def played(suite: Suite) -> None:
    contract, samples, account = suite
    contract.test_push_is_read_as_worked_out_by_hand(samples, account)
    contract.test_push_of_anybody_else_is_refused(samples, account, "https://sandbox.invalid")
    contract.test_hostile_push_is_an_error_and_no_crash(samples, account)


def test_a_plugin_that_verifies_what_is_pushed_passes(pushing: Callable[..., Suite], tmp_path: Path) -> None:
    played(pushing("Line One"))
    assert check_plugins(in_folder(tmp_path / "plugins"))[0].problems == ()
    assert CliRunner().invoke(main, ["push", "line_one"]).output == "pushed  News\n"


@pytest.mark.parametrize(
    ("name", "methods", "found"),
    [
        ("Line Two", {"verify": "return Verdict.GENUINE"}, "with no header and no query is taken"),
        ("Line Three", {"verify": "return Verdict.of(incoming.header('x-signature') != '')"}, "is taken"),
        ("Line Four", {"verify": VERIFY.replace("self.push_secrets()", "['signed with this']")}, "any secret will do"),
        (
            "Line Five",
            {"verify": VERIFY.replace("incoming.body", "incoming.body.strip() + b'\\n'")},
            "another body is taken",
        ),
        ("Line Six", {"verify": "return Verdict.REFUSED"}, "is refused"),
        ("Line Seven", {"push": "return Pushed(tuple(incoming.json().value['numbers']))"}, "hostile: .*KeyError"),
        ("Line Eight", {"expected": {"numbers": ["AB482107352"]}}, "expected"),
    ],
)
def test_a_plugin_that_takes_what_others_push_is_found(
    pushing: Callable[..., Suite], name: str, methods: dict[str, Any], found: str
) -> None:
    suite = pushing(name, **methods)
    with pytest.raises((AssertionError, pytest.fail.Exception)) as failure:
        played(suite)
    assert re.search(found, str(failure.value), re.DOTALL)


@pytest.mark.parametrize(
    ("name", "methods", "said"),
    [
        ("Line Nine", {"verify": "return Verdict.REFUSED"}, "samples/pushed is refused: sign it"),
        ("Line Ten", {"push": "return Pushed(())['x']"}, "samples/pushed: the plugin raised TypeError"),
        ("Line Eleven", {"expected": {"numbers": []}}, r"samples/pushed: \$.numbers: expected \[\]"),
    ],
)
def test_a_push_that_is_read_otherwise_is_a_problem(
    pushing: Callable[..., Suite], tmp_path: Path, name: str, methods: dict[str, Any], said: str
) -> None:
    pushing(name, **methods)
    told = [f"{one.message}: {one.mend}" for one in check_plugins(in_folder(tmp_path / "plugins"))[0].problems]
    assert any(re.search(said, one) for one in told), told


def test_a_plugin_that_pushes_and_does_not_verify_does_not_load(pushing: Callable[..., Suite], tmp_path: Path) -> None:
    pushing("Line Twelve")
    file = tmp_path / "plugins" / "doorstep_line_twelve" / "__init__.py"
    file.write_text(file.read_text("utf-8").replace("def verify(", "def verified("), "utf-8")
    sys.modules.pop("doorstep_line_twelve")
    problems = check_plugins(in_folder(tmp_path / "plugins"))[0].problems
    assert "has push() and no verify()" in problems[0].message


def test_an_empty_secret_is_refused_at_the_start(pushing: Callable[..., Suite], tmp_path: Path) -> None:
    pushing("Line Thirteen")
    sandbox = tmp_path / "plugins" / "doorstep_line_thirteen" / "samples" / "sandbox.toml"
    sandbox.write_text(sandbox.read_text("utf-8").replace('"signed with this"', '["", "x"]'), "utf-8")
    problems = check_plugins(in_folder(tmp_path / "plugins"))[0].problems
    assert "push_secret is empty: anybody could sign with it" in problems[0].message
