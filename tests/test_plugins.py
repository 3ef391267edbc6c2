"""Loading plugins: each by itself, everything or nothing, and what is broken is named with its next step."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from doorstep import hookspecs
from doorstep.config import Config, Plugins, Store
from doorstep.packages import Package, installed
from doorstep.plugins import HOOKS, Broken, CarrierState, State, load_plugins

Write = Callable[..., Package]

MANIFEST = 'slug = "acme"\nname = "Acme"\ncontract = 1\nendpoint = "https://api.acme.example"\nauth = "key"\n'
CODES = 'key = ["code"]\nsource = "guide"\n[codes]\nA = { status = "delivered" }\n'
CODE = """
from msgspec import Struct
from doorstep import Carrier, Secret, hookimpl

class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    key: Secret

class Acme(Carrier[Settings]):
    settings_type = Settings

@hookimpl
def register_carriers(register):
    register(Acme)
"""
WIDGET = """
from doorstep import Widget, hookimpl

class Note(Widget):
    name = "note"

@hookimpl
def register_widgets(register):
    register(Note)
"""
ACCOUNT = {"acme": {"key": "k"}}


def config(carriers: dict[str, dict[str, Any]] | None = None, disabled: tuple[str, ...] = ()) -> Config:
    return Config(stores={"main": Store("Leaf")}, carriers=carriers or {}, plugins=Plugins(disabled))


@pytest.fixture
def acme(plugin: Write) -> Callable[..., Package]:
    """`acme(code=…, manifest=…)`: the carrier Acme with one part changed."""

    def write(code: str = CODE, manifest: str = MANIFEST, codes: str = CODES) -> Package:
        sys.modules.pop("doorstep_acme", None)
        return plugin("doorstep_acme", {"__init__.py": code, "carrier.toml": manifest, "codes.toml": codes})

    yield write
    sys.modules.pop("doorstep_acme", None)


@pytest.fixture
def widget(plugin: Write) -> Callable[[str], Package]:
    """A plugin that registers at start, from its code."""

    def write(code: str, module: str = "doorstep_probe") -> Package:
        sys.modules.pop(module, None)
        return plugin(module, {"__init__.py": code})

    yield write
    for module in ("doorstep_probe", "doorstep_good"):
        sys.modules.pop(module, None)


def broken_by(package: Package, good: Package) -> Broken:
    """Why a plugin is broken, after a look that the one beside it works."""
    plugins = load_plugins(config(), [package, good])
    assert set(plugins.registered.widgets) == {"note"}, "the other plugin works"
    (broken,) = plugins.broken
    assert (broken.plugin, broken.distribution) == ("probe", "doorstep-probe 1.0")
    assert broken.next_step
    return broken


def state_of(package: Package, carriers: dict[str, dict[str, Any]]) -> CarrierState:
    return load_plugins(config(carriers), [package]).states["acme"]


# A carrier and its accounts.


def test_a_configured_carrier_is_active_and_keeps_its_settings(acme: Write) -> None:
    account = {"key": "k", "endpoint": "http://127.0.0.1:9/acme", "strangers": 0.2}
    plugins = load_plugins(config({"acme": account}), [acme()])
    assert plugins.states["acme"].state is State.ACTIVE
    made = plugins.accounts["acme"]
    assert made.carrier.settings.key.reveal() == "k"
    assert (made.endpoint, made.strangers) == ("http://127.0.0.1:9/acme", 0.2)


def test_without_an_account_a_carrier_is_not_even_imported(acme: Write) -> None:
    state = state_of(acme("raise SystemExit"), {})
    assert (state.state, state.reason) == (State.INACTIVE, "no account is configured")
    assert state.next_step == "add [carriers.acme] to doorstep.toml"
    assert "doorstep_acme" not in sys.modules


def test_a_carrier_without_an_endpoint_is_known_by_number_only(acme: Write) -> None:
    manifest = 'slug = "acme"\nname = "Acme"\ncontract = 1'
    plugins = load_plugins(config(), [acme(manifest=manifest)])
    assert plugins.states["acme"].state is State.BY_NUMBER_ONLY
    assert set(plugins.manifests) == {"acme"}


def test_several_accounts_of_one_carrier_are_told_apart(acme: Write) -> None:
    accounts = {"acme_no": {"carrier": "acme", "key": "1"}, "acme_se": {"carrier": "acme", "key": "2"}}
    plugins = load_plugins(config(accounts), [acme()])
    assert [account.name for account in plugins.accounts_of("acme")] == ["acme_no", "acme_se"]
    assert [account.name for account in plugins.accounts_of("acme", ["acme_se"])] == ["acme_se"]
    assert plugins.accounts_of("bolt") == []
    assert plugins.states["acme"].accounts == ("acme_no", "acme_se")


def test_an_accounts_revision_changes_with_version_and_codes(acme: Write) -> None:
    def revision(package: Package) -> str:
        return load_plugins(config(ACCOUNT), [package]).accounts["acme"].revision

    first = revision(acme())
    assert revision(acme(codes=CODES.replace("delivered", "lost"))) != first
    again = acme()
    assert revision(Package(again.name, again.module, again.distribution, "2.0")) != first


@pytest.mark.parametrize(
    ("account", "reason", "mend"),
    [
        ({"kee": "k"}, "carriers.acme.kee is not a setting", "did you mean 'key'?"),
        ({}, "carriers.acme.key is missing", "add key = … under [carriers.acme]"),
        ({"key": 7}, "carriers.acme.key: Expected `Secret`, got `int`", "correct the value"),
        ({"key": "k", "strangers": "half"}, "carriers.acme.strangers: Expected `float", "correct the value"),
    ],
)
def test_a_wrong_setting_makes_it_inactive_with_reason_and_next_step(
    acme: Write, account: dict[str, Any], reason: str, mend: str
) -> None:
    state = state_of(acme(), {"acme": account})
    assert state.state is State.INACTIVE
    assert reason in state.reason
    assert state.next_step == mend


def test_a_wrong_account_leaves_the_right_one_working(acme: Write) -> None:
    plugins = load_plugins(config({"acme": {"key": "k"}, "bad": {"carrier": "acme"}}), [acme()])
    assert set(plugins.accounts) == {"acme"}
    assert plugins.states["acme"].state is State.ACTIVE
    assert "carriers.bad.key is missing" in plugins.states["acme"].reason


def test_an_account_of_an_unknown_carrier_is_named_and_the_rest_works(acme: Write) -> None:
    plugins = load_plugins(config({**ACCOUNT, "fast": {"carrier": "bolt"}}), [acme()])
    state = plugins.states["bolt"]
    assert (state.state, state.reason) == (State.BROKEN, "no installed plugin knows a carrier 'bolt'")
    assert state.next_step == "install it, or correct [carriers.fast] in doorstep.toml"
    assert set(plugins.accounts) == {"acme"}


def test_an_account_with_a_carriers_name_and_another_carrier_is_named_too(acme: Write) -> None:
    plugins = load_plugins(config({"acme": {"carrier": "bolt"}}), [acme()])
    assert plugins.states["acme"].state is State.INACTIVE
    assert plugins.states["bolt"].accounts == ("acme",)


def test_a_disabled_plugin_is_not_even_read(acme: Write) -> None:
    plugins = load_plugins(config(disabled=("acme",)), [acme(manifest="broken")])
    assert (plugins.manifests, plugins.broken, plugins.states) == ({}, [], {})


@pytest.mark.parametrize(
    ("part", "text", "reason"),
    [
        ("code", "1 / 0", "importing doorstep_acme raised ZeroDivisionError: division by zero"),
        ("code", "raise SystemExit", "importing doorstep_acme raised SystemExit"),
        ("code", "import doorstep_gone", "importing doorstep_acme raised ModuleNotFoundError"),
        ("code", "def f(:", "importing doorstep_acme raised SyntaxError"),
        ("code", "", "doorstep_acme has a carrier.toml but registers no carrier"),
        ("code", CODE.replace("@hookimpl", ""), "doorstep_acme has a carrier.toml but registers no carrier"),
        ("code", CODE.replace("(Acme)", "(Settings)"), "register_carriers was given <class 'doorstep_acme.Settings'>"),
        ("code", CODE.replace("(Acme)", "(Acme(1, 2, 3))"), "register_carriers was given <doorstep_acme.Acme object"),
        ("code", CODE.replace("register(Acme)", "{}['x']"), "register_carriers raised KeyError: 'x'"),
        ("codes", "key = []", "doorstep_acme/codes.toml"),
    ],
)
def test_a_carrier_that_cannot_load_is_broken_with_its_reason(acme: Write, part: str, text: str, reason: str) -> None:
    plugins = load_plugins(config(ACCOUNT), [acme(**{part: text})])
    state = plugins.states["acme"]
    assert state.state is State.BROKEN
    assert state.reason.startswith(reason)
    assert state.next_step
    assert [broken.reason for broken in plugins.broken] == [state.reason]
    assert plugins.accounts == {}
    assert set(plugins.manifests) == {"acme"}, "its numbers are recognised all the same"


@pytest.mark.parametrize("raised", ["KeyError('key')", "RuntimeError('no')", "SystemExit()", "NotImplementedError()"])
def test_a_carrier_whose_constructor_raises_is_inactive_and_the_rest_works(acme: Write, raised: str) -> None:
    own = f"    settings_type = Settings\n    def __init__(self, *parts): raise {raised}\n"
    state = state_of(acme(CODE.replace("    settings_type = Settings\n", own)), ACCOUNT)
    assert state.state is State.INACTIVE
    assert raised.partition("(")[0] in state.reason


@pytest.mark.fault(28)
def test_a_contract_that_is_too_new_says_to_update_doorstep(acme: Write) -> None:
    plugins = load_plugins(config(ACCOUNT), [acme(manifest=MANIFEST.replace("contract = 1", "contract = 2"))])
    (broken,) = plugins.broken
    assert "contract 2 is newer than this engine's (1)" in broken.reason
    assert broken.next_step == "update Doorstep"
    assert plugins.manifests == {}


@pytest.mark.fault(28)
def test_of_two_plugins_with_one_carrier_the_first_is_kept_and_the_second_named(acme: Write, plugin: Write) -> None:
    twin = plugin("doorstep_twin", {"carrier.toml": MANIFEST.replace("Acme", "Twin")})
    plugins = load_plugins(config(), [acme(), twin])
    assert plugins.manifests["acme"].name == "Acme"
    (broken,) = plugins.broken
    assert (broken.plugin, broken.reason) == ("twin", "carrier 'acme' is already in doorstep_acme")


# Hooks.


def test_a_widget_is_offered_with_the_folder_of_its_plugin(widget: Write) -> None:
    package = widget(WIDGET, "doorstep_good")
    offer = load_plugins(config(), [package]).registered.widgets["note"]
    assert (offer.type.name, offer.folder) == ("note", package.folder)


def test_themes_and_locales_are_offered_by_folder(plugin: Write) -> None:
    code = (
        "from pathlib import Path\nfrom doorstep import hookimpl\nHERE = Path(__file__).parent\n"
        "@hookimpl\ndef register_themes(register): register(HERE / 'sea')\n"
        "@hookimpl\ndef register_locales(register): register(HERE / 'words')\n"
    )
    package = plugin("doorstep_looks", {"__init__.py": code, "sea/theme.toml": "", "words/de/x": ""})
    registered = load_plugins(config(), [package]).registered
    assert registered.themes == [package.folder / "sea"]
    assert registered.locales == [package.folder / "words"]


HOOK = (
    "from doorstep import Widget, hookimpl\nfrom pathlib import Path\nclass Probe(Widget): name = 'probe'\n@hookimpl\n"
)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("1 / 0", "importing doorstep_probe raised ZeroDivisionError"),
        (HOOK + "def register_widget(register): ...", "a hook does not fit"),
        (HOOK + "def register_widgets(registry): ...", "a hook does not fit"),
        (HOOK + "def register_widgets(register, more): ...", "a hook does not fit"),
        (HOOK + "def register_widgets(register): register(Probe); 1 / 0", "register_widgets raised ZeroDivisionError"),
        (HOOK + "def register_widgets(register): exit()", "register_widgets raised SystemExit"),
        (HOOK + "def register_widgets(register): register('note')", "register_widgets was given 'note'"),
        (HOOK + "def register_widgets(register): register(Widget)", "register_widgets was given <class"),
        (HOOK + "def register_themes(register): register('sea')", "register_themes was given 'sea'"),
        (HOOK + "def register_themes(register): register(Path('/nowhere'))", "register_themes was given"),
        (HOOK + "def register_locales(register): register(Path('/nowhere'))", "register_locales was given"),
    ],
)
def test_a_broken_plugin_is_named_and_the_one_beside_it_works(widget: Write, code: str, reason: str) -> None:
    broken = broken_by(widget(code), widget(WIDGET, "doorstep_good"))
    assert broken.reason.startswith(reason)


@pytest.mark.parametrize("hook", ["register_widget", "register_carrier", "track"])
@pytest.mark.fault(28)
def test_a_misspelt_hook_is_answered_with_the_right_ones(widget: Write, hook: str) -> None:
    broken = broken_by(widget(f"{HOOK}def {hook}(register): ..."), widget(WIDGET, "doorstep_good"))
    assert hook in broken.reason
    assert all(name in broken.next_step for name in HOOKS)


def test_a_plugin_that_fails_half_way_leaves_nothing_behind(widget: Write) -> None:
    code = (
        f"{HOOK}def register_widgets(register): register(Probe)\n"
        "@hookimpl\ndef register_locales(register):\n    register(Path(__file__).parent)\n    raise RuntimeError('half')\n"
    )
    plugins = load_plugins(config(), [widget(code)])
    assert (plugins.registered.widgets, plugins.registered.locales) == ({}, [])
    assert plugins.broken[0].reason == "register_locales raised RuntimeError: half"


def test_a_second_widget_of_the_same_name_is_refused_with_all_of_its_plugin(widget: Write) -> None:
    code = (
        "class Note(Widget): name = 'note'\n@hookimpl\ndef register_widgets(register): register(Probe); register(Note)"
    )
    twin = widget(HOOK.removesuffix("@hookimpl\n") + code)
    plugins = load_plugins(config(), [widget(WIDGET, "doorstep_good"), twin])
    assert set(plugins.registered.widgets) == {"note"}
    (broken,) = plugins.broken
    assert (broken.plugin, broken.reason) == ("probe", "a widget 'note' is registered already")
    assert broken.next_step == "give it another name"


def test_every_hook_of_the_contract_is_called() -> None:
    marked = {name for name, value in vars(hookspecs).items() if hasattr(value, f"{hookspecs.PROJECT}_spec")}
    assert marked == set(HOOKS)


def test_the_bundled_plugins_load_whole() -> None:
    bundled = [package for package in installed() if package.distribution == "doorstep"]
    plugins = load_plugins(config(), bundled)
    assert plugins.broken == []
    assert {"ups", "dhl", "la_poste"} <= set(plugins.manifests)
    assert {"survey", "cross_sell", "referral"} <= set(plugins.registered.widgets)
