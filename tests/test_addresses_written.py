"""What shoppers and shop systems write where somebody is reached: one whole address, or nothing."""

import pytest

from doorstep import mail_address, phone_number


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+49 341 5550100", "+493415550100"),
        ("0044 (20) 7946-0000", "+442079460000"),
        ("+٤٤ ٢٠ ٧٩٤٦ ٠٠٠٠", "+442079460000"),
        ("+１ ２１２ ５５５ ０１００", "+12125550100"),
        ("0341 5550100", ""),  # of which country?
        ("+0341 5550100", ""),
        ("+49 341", ""),
        ("+49 341 5550100 5550100", ""),
        ("+49 341 5550100 ext. 3", ""),
        ("+49²341 5550100", "+4923415550100"),
        ("", ""),
    ],
)
def test_a_number_has_the_code_of_its_country_or_is_none(written: str, number: str) -> None:
    assert phone_number(written) == number


@pytest.mark.parametrize(
    ("written", "address"),
    [
        (" ada@post.example ", "ada@post.example"),
        ("Ada.L+shop@Post.Example", "Ada.L+shop@Post.Example"),
        ("jürgen@bücher.example", "jürgen@bücher.example"),
        ("ada@post", ""),
        ("ada@post.example,grace@post.example", ""),
        ("ada@post.example\r\nBcc: grace@post.example", ""),
        ("Ada <ada@post.example>", ""),
        ("ada@@post.example", ""),
        ("ada\u202e@post.example", ""),
        ("a" * 250 + "@post.example", ""),
    ],
)
def test_an_e_mail_address_is_one_and_whole(written: str, address: str) -> None:
    assert mail_address(written) == address
