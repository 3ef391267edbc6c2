"""Names of kept things: which kind stands in front, and nobody guesses the rest."""

import pytest

from doorstep.ids import new_id


@pytest.mark.parametrize("kind", ["ord", "pcl", "evt"])
def test_an_id_says_its_kind_and_has_24_letters_and_digits_none_of_which_is_read_as_another(kind):
    ids = [new_id(kind) for _ in range(500)]
    assert {one[: len(kind) + 1] for one in ids} == {f"{kind}_"}
    assert {len(one) - len(kind) - 1 for one in ids} == {24}  # 24 of 32 signs: 120 bits
    # With 12,000 drawn, one of the 32 is missing once in 10**163 times.
    assert {char for one in ids for char in one[len(kind) + 1 :]} == set("0123456789abcdefghjkmnpqrstvwxyz")


def test_no_id_comes_twice():
    assert len({new_id("ord") for _ in range(2000)}) == 2000
