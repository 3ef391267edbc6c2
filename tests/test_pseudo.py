"""The preview's languages that nobody speaks: made of the English texts, whole with placeholders and tags."""

from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from doorstep.app import assemble
from doorstep.config import Config, Store
from doorstep.engine import create_engine
from doorstep.preview import pseudo
from doorstep.preview.gallery import Preview
from doorstep.secret import Secret


def test_a_text_is_accented_between_brackets_and_two_fifths_longer() -> None:
    assert pseudo.accented("Your parcels") == "⟦Ýöûŕ påŕçéļš öñé ţ⟧"  # twelve letters, and five more


def test_what_is_filled_in_and_tags_stay() -> None:
    assert pseudo.accented("To <b>%(shop)s</b>").startswith("⟦Ţö <b>%(shop)s</b>")
    assert pseudo.mirrored("To <b>%(shop)s</b>") == "\u202eTo\u202c <b>%(shop)s</b>"


def test_plurals_and_contexts_are_said_in_them() -> None:
    accented = pseudo.localizer("en-XA")
    assert accented.plural("%(n)s day", "%(n)s days", 1) == "⟦1 ðåý öñ⟧"
    assert accented.plural("%(n)s day", "%(n)s days", 2000) == "⟦2,000 ðåýš öñ⟧"
    assert accented.text("done", "step") == "⟦ðöñé öñ⟧"
    assert (accented.tag, accented.dir) == ("en-XA", "ltr")
    assert (pseudo.localizer("ar-XB").tag, pseudo.localizer("ar-XB").dir) == ("ar-XB", "rtl")


@pytest.fixture
def shown(tmp_path: Path) -> Callable[[str], str]:
    config = Config(stores={"main": Store(name="Shop")}, secret_key=(Secret("k" * 32),), base=tmp_path)
    engine = create_engine(config)
    client = TestClient(Preview(assemble(engine), engine))
    return lambda path: client.get(path).text


def test_the_preview_shows_them_and_a_store_does_not(shown: Callable[[str], str]) -> None:
    accented = shown("/_preview/page?case=delivered&lang=en-XA")
    assert 'lang="en-XA" dir="ltr"' in accented
    assert "⟦Ðéļîvéŕéð" in accented
    assert 'lang="ar-XB" dir="rtl"' in shown("/_preview/page?case=delivered&lang=ar-XB")
    mail = shown("/_preview/page?case=message.delivered&lang=en-XA")
    assert 'lang="en-XA" dir="ltr"' in mail
    assert "⟦Ýöûŕ påŕçéļ" in mail
    assert "accented, 40 % longer" in shown("/_preview/")
    assert 'lang="en"' in shown("/?lang=en-XA")
