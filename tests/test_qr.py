"""The QR code of an address, read back by a reader of its own, written after ISO/IEC 18004."""

import re
from itertools import product
from xml.etree import ElementTree

import pytest

from doorstep.qr import svg

SVG = "{http://www.w3.org/2000/svg}"
Matrix = list[list[int]]

# Tables 7 and 9, level M: octets of error correction in a block; how many blocks of how many data octets.
BLOCKS = {
    2: (16, [(1, 28)]), 4: (18, [(2, 32)]), 5: (24, [(2, 43)]), 6: (16, [(4, 27)]), 7: (18, [(4, 31)]),
    8: (22, [(2, 38), (2, 39)]), 9: (22, [(3, 36), (2, 37)]), 10: (26, [(4, 43), (1, 44)]),
}  # fmt: skip
# Annex E: centres of the alignment patterns.
CENTRES = {
    2: (6, 18), 4: (6, 26), 5: (6, 30), 6: (6, 34), 7: (6, 22, 38), 8: (6, 24, 42), 9: (6, 26, 46), 10: (6, 28, 50),
}  # fmt: skip
# Table 10: which modules a mask turns over, by row i and column j.
MASKS = [
    lambda i, j: (i + j) % 2 == 0,
    lambda i, j: i % 2 == 0,
    lambda i, j: j % 3 == 0,
    lambda i, j: (i + j) % 3 == 0,
    lambda i, j: (i // 2 + j // 3) % 2 == 0,
    lambda i, j: i * j % 2 + i * j % 3 == 0,
    lambda i, j: (i * j % 2 + i * j % 3) % 2 == 0,
    lambda i, j: ((i + j) % 2 + i * j % 3) % 2 == 0,
]
FORMAT_MASK = 0b101010000010010
LEVEL_M = 0b00


def drawn(image: str) -> Matrix:
    """The modules of an image, its quiet zone included: one by one, as its path paints them."""
    root = ElementTree.fromstring(image)
    size = int(root.attrib["viewBox"].split()[2])
    matrix = [[0] * size for _ in range(size)]
    path = next(one for one in root.iter(f"{SVG}path") if one.attrib["fill"] == "#000").attrib["d"]
    found = re.findall(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z", path)
    assert "".join(f"M{x} {y}h{there}v1h-{back}z" for x, y, there, back in found) == path
    for x, y, there, back in found:
        assert there == back
        for column in range(int(x), int(x) + int(there)):
            matrix[int(y)][column] = 1
    return matrix


def without_quiet_zone(matrix: Matrix) -> Matrix:
    size = len(matrix)
    for i, j in product(range(size), repeat=2):
        if min(i, j) < 4 or max(i, j) >= size - 4:
            assert matrix[i][j] == 0, "four modules around the code are white"
    return [row[4:-4] for row in matrix[4:-4]]


def read(image: str) -> str:
    """The text in a code of level M. Whatever is not as the standard says fails."""
    matrix = without_quiet_zone(drawn(image))
    version = (len(matrix) - 17) // 4
    data = b"".join(blocks(octets(matrix, version), version))
    bits = "".join(f"{octet:08b}" for octet in data)
    assert bits[:4] == "0100", "byte mode"
    width = 8 if version < 10 else 16
    length = int(bits[4 : 4 + width], 2)
    start = 4 + width
    return bytes(int(bits[start + 8 * n : start + 8 * n + 8], 2) for n in range(length)).decode()


def mask_of(matrix: Matrix) -> int:
    """The mask's number, from the format information beside the upper left finder pattern."""
    around = [*((8, j) for j in (0, 1, 2, 3, 4, 5, 7, 8)), *((i, 8) for i in (7, 5, 4, 3, 2, 1, 0))]
    word = int("".join(str(matrix[i][j]) for i, j in around), 2) ^ FORMAT_MASK
    rest = word
    for shift in range(4, -1, -1):  # divided by the generator of the BCH code, nothing is left
        if rest >> (10 + shift) & 1:
            rest ^= 0b10100110111 << shift
    assert rest == 0
    assert word >> 13 == LEVEL_M
    return word >> 10 & 0b111


def functional(version: int) -> set[tuple[int, int]]:
    """The modules that hold no data."""
    size = 17 + 4 * version
    taken = {(i, j) for i, j in product(range(size), repeat=2) if 6 in (i, j)}
    for top, left in ((0, 0), (0, size - 8), (size - 8, 0)):
        taken |= {(top + i, left + j) for i, j in product(range(8), repeat=2)}
    taken |= {(8, j) for j in (*range(9), *range(size - 8, size))}
    taken |= {(i, 8) for i in (*range(9), *range(size - 8, size))}
    for row, column in product(CENTRES[version], repeat=2):
        if (row, column) not in ((6, 6), (6, size - 7), (size - 7, 6)):
            taken |= {(row + i, column + j) for i, j in product(range(-2, 3), repeat=2)}
    if version >= 7:
        taken |= {(i, size - 11 + j) for i, j in product(range(6), range(3))}
        taken |= {(size - 11 + j, i) for i, j in product(range(6), range(3))}
    return taken


def octets(matrix: Matrix, version: int) -> list[int]:
    """The codewords in the order in which they stand: two columns at a time from the right, upwards and downwards in turn."""
    size, taken, turned = len(matrix), functional(version), MASKS[mask_of(matrix)]
    bits, upwards = [], True
    for right in [*range(size - 1, 6, -2), 5, 3, 1]:
        for i in range(size - 1, -1, -1) if upwards else range(size):
            bits += [matrix[i][j] ^ turned(i, j) for j in (right, right - 1) if (i, j) not in taken]
        upwards = not upwards
    return [int("".join(map(str, bits[n : n + 8])), 2) for n in range(0, len(bits) - 7, 8)]


def blocks(words: list[int], version: int) -> list[bytes]:
    """The data of each block, in order, once its error correction has been found right."""
    correcting, groups = BLOCKS[version]
    sizes = [size for count, size in groups for _ in range(count)]
    assert len(words) == sum(sizes) + correcting * len(sizes)
    stream = iter(words)
    data: list[list[int]] = [[] for _ in sizes]
    for nth in range(max(sizes)):
        for block, size in zip(data, sizes, strict=True):
            if nth < size:
                block.append(next(stream))
    whole = [list(block) for block in data]
    for _ in range(correcting):
        for block in whole:
            block.append(next(stream))
    for block in whole:
        assert syndromes(block, correcting) == [0] * correcting
    return [bytes(block) for block in data]


def syndromes(block: list[int], count: int) -> list[int]:
    """The block as a polynomial over GF(256), at the powers of 2: zero everywhere for a Reed-Solomon codeword."""
    exponent = [1]
    for _ in range(254):
        doubled = exponent[-1] << 1
        exponent.append(doubled ^ 0b100011101 if doubled > 255 else doubled)
    logarithm = {value: power for power, value in enumerate(exponent)}
    result = []
    for power in range(count):
        value = 0
        for octet in block:  # Horner
            value = octet ^ (exponent[(logarithm[value] + power) % 255] if value else 0)
        result.append(value)
    return result


@pytest.mark.parametrize("length", [26, 60, 80, 105, 120, 150, 180, 210])
def test_the_code_holds_the_address(length: int) -> None:
    address = "https://shop.example/o/" + "".join(chr(97 + n % 26) for n in range(length - 23))
    assert len(address) == length
    assert read(svg(address, "Open", "en")) == address


def test_the_image_says_what_it_is_in_its_language() -> None:
    root = ElementTree.fromstring(svg("https://shop.example/o/abc/", "Seite <öffnen> & lesen", "de"))
    title = root.find(f"{SVG}title")
    assert title is not None
    assert (root.attrib["role"], root.attrib["lang"]) == ("img", "de")
    assert (title.text, title.attrib["id"]) == ("Seite <öffnen> & lesen", root.attrib["aria-labelledby"])


def test_nothing_in_the_image_needs_a_style_or_a_script() -> None:
    root = ElementTree.fromstring(svg("https://shop.example/o/abc/", "Open", "en"))
    assert {one.tag for one in root.iter()} == {f"{SVG}svg", f"{SVG}title", f"{SVG}path"}
    assert not [
        name for one in root.iter() for name in one.attrib if name in ("style", "class") or name.startswith("on")
    ]


def test_a_changed_module_is_noticed_by_the_reader() -> None:
    image = svg("https://shop.example/o/abc", "Open", "en")
    assert read(image) == "https://shop.example/o/abc"
    row = re.search(r"M(\d+) 16h(\d+)v1h-\d+z", image)
    assert row is not None
    x, width = int(row[1]), int(row[2])
    narrower = f"M{x + 1} 16h{width - 1}v1h-{width - 1}z" if width > 1 else ""
    with pytest.raises(AssertionError):
        read(image.replace(row[0], narrower, 1))
