"""Plugin packages: found by their entry points and read without importing them."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from doorstep.errors import ManifestError, PluginError
from doorstep.packages import Package, installed, read

CARRIER = 'slug = "acme"\nname = "Acme"\ncontract = 1\n'
CODES = 'key = ["code"]\nsource = "guide"\n[codes]\nA = { status = "delivered" }\n'
Write = Callable[..., Package]


def test_the_folder_is_found_without_importing_the_package(plugin: Write) -> None:
    package = plugin("doorstep_quiet", {"__init__.py": "raise SystemExit('imported')", "carrier.toml": CARRIER})
    assert package.folder.name == "doorstep_quiet"
    assert package.has_code
    assert package.has_carrier
    assert [one.slug for one in package.manifests()] == ["acme"]
    assert "doorstep_quiet" not in sys.modules


def test_a_package_without_code_is_manifests_alone(plugin: Write) -> None:
    package = plugin(
        "doorstep_many",
        {"carriers/b.toml": CARRIER.replace("acme", "bolt"), "carriers/a.toml": CARRIER, "carriers/README.md": ""},
    )
    assert not package.has_code
    assert not package.has_carrier
    assert [one.slug for one in package.manifests()] == ["acme", "bolt"]


def test_a_file_may_hold_several_carriers(plugin: Write) -> None:
    several = 'contract = 1\n[[carrier]]\nslug = "acme"\nname = "A"\n[[carrier]]\nslug = "bolt"\nname = "B"\n'
    package = plugin(
        "doorstep_several", {"carriers/several.toml": several, "carriers/z.toml": CARRIER.replace("acme", "z1")}
    )
    assert [(one.slug, one.name) for one in package.manifests()] == [("acme", "A"), ("bolt", "B"), ("z1", "Acme")]


def test_a_package_that_is_not_there_is_named() -> None:
    with pytest.raises(PluginError, match="'doorstep_gone' is not installed"):
        _ = Package("gone", "doorstep_gone", "d", "1").folder


def test_a_module_that_is_no_package_is_refused() -> None:
    with pytest.raises(PluginError, match="'this' is not installed"):
        _ = Package("this", "this", "d", "1").folder


@pytest.mark.parametrize("module", ["", ".x", "doorstep_gone.inner"])
def test_a_name_that_leads_nowhere_is_refused(module: str) -> None:
    with pytest.raises(PluginError, match="cannot be found"):
        _ = Package("x", module, "d", "1").folder


def test_a_parent_that_raises_is_a_plugin_error(plugin: Write) -> None:
    plugin("doorstep_parent", {"__init__.py": "1 / 0", "child/__init__.py": ""})
    with pytest.raises(PluginError, match="division by zero"):
        _ = Package("x", "doorstep_parent.child", "d", "1").folder


def test_a_wrong_manifest_is_named_with_package_and_file(plugin: Write) -> None:
    package = plugin("doorstep_wrong", {"carriers/acme.toml": CARRIER + "colour = 1"})
    with pytest.raises(ManifestError, match=r"^doorstep_wrong/carriers/acme\.toml: .*colour"):
        package.manifests()


def test_codes_have_a_revision_that_changes_with_the_file(plugin: Write) -> None:
    first = plugin("doorstep_first", {"codes.toml": CODES}).codes().revision
    assert plugin("doorstep_same", {"codes.toml": CODES}).codes().revision == first
    assert plugin("doorstep_other", {"codes.toml": CODES.replace("delivered", "lost")}).codes().revision != first


def test_missing_codes_are_named(plugin: Write) -> None:
    with pytest.raises(ManifestError, match=r"cannot read doorstep_none/codes\.toml"):
        plugin("doorstep_none", {"__init__.py": ""}).codes()


def test_a_file_that_is_not_utf_8_is_a_manifest_error(tmp_path: Path) -> None:
    (tmp_path / "carrier.toml").write_bytes(b"\xff")
    with pytest.raises(ManifestError, match="cannot read"):
        read(tmp_path / "carrier.toml")


def distribution(site: Path, name: str, version: str, *entries: str) -> None:
    """What an installer leaves behind: metadata and entry points."""
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text("\n".join(entries))


def test_installed_packages_are_those_of_the_group_in_the_order_of_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(tmp_path, "doorstep_zeta", "1.2", "[doorstep]", "zeta = doorstep_zeta", "[other]", "no = thanks")
    distribution(tmp_path, "doorstep_alpha", "3.4", "[doorstep]", "alpha = doorstep_alpha:plugin")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert installed() == [
        Package("alpha", "doorstep_alpha", "doorstep_alpha", "3.4"),
        Package("zeta", "doorstep_zeta", "doorstep_zeta", "1.2"),
    ]


def test_of_two_distributions_with_one_name_the_first_on_the_path_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(tmp_path / "one", "first", "1", "[doorstep]", "acme = from_first")
    distribution(tmp_path / "two", "second", "1", "[doorstep]", "acme = from_second")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "one"), str(tmp_path / "two")])
    assert [package.module for package in installed()] == ["from_first"]
