"""Carriers known by a manifest alone: every manifest loads, and every example is a number of its format."""

import re
from importlib.resources import files

import pytest

from doorstep.manifest import Manifest, load_manifest
from doorstep.recognition import Recognizer, normalise

HOME = files("doorstep_known_by_number")
FILES = sorted(
    (file for file in (HOME / "carriers").iterdir() if file.name.endswith(".toml")), key=lambda file: file.name
)
MANIFESTS = {file.name: load_manifest(file.read_text("utf-8"), file=file.name) for file in FILES}

every_manifest = pytest.mark.parametrize(("name", "manifest"), MANIFESTS.items(), ids=MANIFESTS)


def test_evri_is_known() -> None:
    assert "evri.toml" in MANIFESTS


def test_package_is_data_without_code() -> None:
    assert not (HOME / "__init__.py").is_file()
    assert not (HOME / "py.typed").is_file()


@every_manifest
def test_manifest_is_named_after_its_carrier(name: str, manifest: Manifest) -> None:
    assert name == f"{manifest.slug}.toml"


@every_manifest
def test_carrier_is_linked_and_not_asked(name: str, manifest: Manifest) -> None:
    assert not manifest.asks
    assert manifest.link.count("{number}") == 1
    assert manifest.docs == f"docs/carriers/{manifest.slug}.md"


@every_manifest
def test_every_format_has_two_examples_that_fit_pattern_and_check_digit(name: str, manifest: Manifest) -> None:
    assert manifest.formats
    for number_format in manifest.formats:
        assert len(set(number_format.examples)) >= 2, number_format.name
        for example in number_format.examples:
            match = re.fullmatch(number_format.pattern, example, re.ASCII)
            assert match, f"{example} does not fit {number_format.name!r}"
            checksum = number_format.checksum
            assert checksum is None or checksum.holds(match["serial"], match["check"]), example


@every_manifest
def test_every_example_is_recognised_as_typed(name: str, manifest: Manifest) -> None:
    recognizer = Recognizer([manifest])
    for example in (example for number_format in manifest.formats for example in number_format.examples):
        typed = " ".join(re.findall(".{1,4}", example.lower()))
        assert [c.carrier for c in recognizer.candidates(normalise(typed))] == [manifest.slug]
