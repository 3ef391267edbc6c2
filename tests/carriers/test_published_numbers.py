"""Formats that others have published, where the folder with them is at hand: their numbers have their carrier."""

import json
import os
import random
import re
from pathlib import Path
from typing import Any

import pytest

from doorstep.manifest import Checksum
from doorstep.packages import installed
from doorstep.recognition import Recognizer, normalise

from ..digits import a_number, holds

MANIFESTS = {one.slug: one for package in installed() for one in package.manifests()}
RECOGNIZER = Recognizer(MANIFESTS.values())
SLUGS = {"amazon": "amazon_shipping"}
NUMBERS_EACH = 60


@pytest.fixture(scope="module")
def published() -> dict[str, list[dict[str, Any]]]:
    """The published formats by carrier."""
    shared = os.environ.get("DOORSTEP_SHARED")
    if not shared:
        pytest.skip("DOORSTEP_SHARED is not set: it names the folder that holds carriers/number_formats")
    read = [json.loads(file.read_text("utf-8")) for file in Path(shared).glob("carriers/number_formats/*.json")]
    assert read
    return {SLUGS.get(one["courier_code"], one["courier_code"]): one["tracking_numbers"] for one in read}


def found(number: str) -> list[str]:
    return [candidate.carrier for candidate in RECOGNIZER.candidates(normalise(number))]


def published_numbers(shape: dict[str, Any]) -> list[str]:
    """Valid numbers of a published format: by chance, with the check digit that holds."""
    pattern = re.sub(r"\(\?<(?=[A-Z])", "(?P<", "".join(shape["regex"])).replace(r"\s*", "").replace(r"\s", "")
    chance, numbers = random.Random(shape["name"]), []
    while len(numbers) < NUMBERS_EACH:
        match = re.fullmatch(pattern, a_number(pattern, chance), re.ASCII)
        if match:
            numbers.append(_with_check_digit(match, shape["validation"]))
    return [number for number in numbers if re.fullmatch(pattern, number, re.ASCII)]


def _with_check_digit(match: re.Match[str], validation: dict[str, Any]) -> str:
    if "checksum" not in validation:
        return match[0]
    told, serial = validation["checksum"], match["SerialNumber"]
    in_front = validation.get("serial_number_format", {}).get("prepend_if")
    if in_front and re.match(in_front["matches_regex"].replace(r"\s*", ""), serial):
        serial = in_front["content"] + serial
    weights = told.get("weightings") or [told.get("evens_multiplier", 0), told.get("odds_multiplier", 0)]
    kind = {"mod_37_36": "mod37_36", "sum_product_with_weightings_and_modulo": "mod11"}.get(told["name"], told["name"])
    if told.get("reverse"):
        serial = serial[::-1]
    alphabet = told.get("alphabet", "0123456789")
    check = next(char for char in alphabet if holds(Checksum(kind, tuple(weights)), serial, char))
    return match.string[: match.start("CheckDigit")] + check + match.string[match.end("CheckDigit") :]


def test_their_carrier_is_among_the_candidates(published: dict[str, list[dict[str, Any]]]) -> None:
    for slug, shapes in published.items():
        for shape in shapes if slug != "s10" else ():
            for number in published_numbers(shape):
                assert slug in found(number), f"{number}, {shape['name']}"


def test_every_post_is_known_in_its_own_country(published: dict[str, list[dict[str, Any]]]) -> None:
    ((shape,),) = [published["s10"]]
    issuers = next(one["lookup"] for one in shape["additional"] if one["name"] == "Courier")
    own = {"DE": "dhl"}  # which works everywhere, so its manifest names no country
    for country in (one["matches"] for one in issuers):
        best = found(f"RR000000102{country}")[0]  # 1·9 = 9; 11 − 9 = 2
        assert best == own.get(country) or country in MANIFESTS[best].countries
