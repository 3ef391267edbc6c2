"""Check digits, each against a worked example of its standard or of the carrier's published format."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorstep.checksums import CHECKSUMS, luhn, mod7, mod10, mod11, mod37_36, s10

digits = st.text("0123456789", min_size=8, max_size=8)
letters = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("serial", "check"),
    [
        # 4·8 + 7·6 + 3·4 + 1·2 + 2·3 + 4·5 + 8·9 + 2·7 = 200; 200 mod 11 = 2; 11 − 2 = 9
        ("47312482", "9"),
        ("00000000", "5"),  # 0 mod 11 = 0; 11 − 0 = 11, written 5
        ("00004000", "0"),  # 4·3 = 12; 12 mod 11 = 1; 11 − 1 = 10, written 0
        ("00000010", "2"),  # 1·9 = 9; 11 − 9 = 2
    ],
)
def test_s10_as_upu_s10_works_it_out(serial: str, check: str) -> None:
    assert s10(serial, ()) == check


@pytest.mark.parametrize(
    ("serial", "weights", "check"),
    [
        # GS1's example of an SSCC: 9+7+18+1+0+4+6+5+0+0+6+1+6+3+12+5+18 = 101, 9 to the next ten
        ("37610425002123456", (3, 1), "9"),
        # GS1's example of a GTIN-13, weights from the left 1, 3: 57, 3 to the next ten
        ("629104150021", (1, 3), "3"),
        # A UPS 1Z number: A counts (65 − 3) mod 10 = 2; 9+18+9+4+2+2+0+2+2+6+4+10+6+14+8 = 96, 4 to the next ten
        ("999AA1012345678", (1, 2), "4"),
        ("0000", (3, 1), "0"),
    ],
)
def test_mod10_as_gs1_and_ups_work_it_out(serial: str, weights: tuple[int, ...], check: str) -> None:
    assert mod10(serial, weights) == check


@pytest.mark.parametrize(
    ("serial", "weights", "check"),
    [
        # FedEx, weights 3 1 7: 27+8+42+15+7+56+21+8+56+24+5 = 269; 269 mod 11 = 5
        ("98657878885", (3, 1, 7), "5"),
        ("55", (1,), "0"),  # 10 mod 11 = 10, and 10 mod 10 = 0
        ("56", (1,), "0"),  # 11 mod 11 = 0
    ],
)
def test_mod11_as_fedex_works_it_out(serial: str, weights: tuple[int, ...], check: str) -> None:
    assert mod11(serial, weights) == check


@pytest.mark.parametrize(("serial", "check"), [("100000000", "2"), ("000000006", "6"), ("000000007", "0")])
def test_mod7_is_the_rest_of_the_whole_number(serial: str, check: str) -> None:
    assert mod7(serial, ()) == check  # 10 ≡ 3, 10² ≡ 2, 10⁴ ≡ 4, 10⁸ ≡ 16 ≡ 2 (mod 7)


@pytest.mark.parametrize(("serial", "check"), [("7992739871", "3"), ("1", "8"), ("5", "9"), ("0", "0")])
def test_luhn_doubles_from_the_right(serial: str, check: str) -> None:
    # 1 → 2, 8 to ten; 5 → 10 → 1, 9 to ten; 7992739871: 7+9+9+4+7+6+9+7+7+2 = 67, 3 to the next ten
    assert luhn(serial, ()) == check


@pytest.mark.parametrize("kind", ["luhn", "s10"])
@pytest.mark.parametrize("serial", ["ABCDEFGH", "1234567A", "١٢٣٤٥٦٧٨", "²²²²²²²²"])
def test_a_serial_that_is_not_digits_is_refused(kind: str, serial: str) -> None:
    with pytest.raises(ValueError, match=f"{serial}|ascii"):
        CHECKSUMS[kind](serial, ())


@pytest.mark.parametrize("serial", ["1234567", "123456789"])
def test_s10_has_eight_digits(serial: str) -> None:
    with pytest.raises(ValueError, match=serial):
        s10(serial, ())


@pytest.mark.parametrize(
    ("serial", "check"),
    [
        ("A12425GABC1234002", "M"),  # the Global Release Identifier's example of ISO 7064 MOD 37,36
        ("0", "2"),  # carry (36 + 0) mod 36, taken as 36; 72 mod 37 = 35; 37 − 35 = 2
        ("1", "Z"),  # (36 + 1) mod 36 = 1; 2; 37 − 2 = 35, which is Z
    ],
)
def test_mod37_36_as_iso_7064_works_it_out(serial: str, check: str) -> None:
    assert mod37_36(serial, ()) == check


def test_manifests_know_every_checksum_by_its_functions_name() -> None:
    assert {name: function.__name__ for name, function in CHECKSUMS.items()} == {name: name for name in CHECKSUMS}


@given(digits, st.integers(0, 7), st.integers(1, 9))
def test_one_wrong_digit_is_always_seen(serial: str, at: int, by: int) -> None:
    wrong = serial[:at] + str((int(serial[at]) + by) % 10) + serial[at + 1 :]
    assert luhn(serial, ()) != luhn(wrong, ())
    assert mod10(serial, (3, 1)) != mod10(wrong, (3, 1)), "3 and 1 have no factor in common with 10"


@given(letters, st.data())
def test_mod37_36_sees_every_wrong_character(serial: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(serial) - 1))
    other = data.draw(st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ").filter(lambda char: char != serial[at]))
    assert mod37_36(serial, ()) != mod37_36(serial[:at] + other + serial[at + 1 :], ())
