"""Product feeds as shops have them: Google-merchant XML (RSS 2.0 or Atom), CSV, TSV and JSON, told by what stands in them.

Real feeds are never quite right: a row that cannot be used is left out and told with its line, the others are there. Nothing
in a feed is believed: texts are cut, addresses must be of the web, and there is an end to rows.
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from itertools import chain, islice
from typing import Any

import msgspec

from doorstep import Mistake, PartRead, Tree, may_show, xml_items

from .money import amount_of
from .products import Availability, Catalogue, Product, catalogue, is_linkable

MOST_ROWS = 200_000
_MOST_MISTAKES = 20  # told by line; the rest is counted
_LONGEST_NAME, _LONGEST_WORD, _LONGEST_CATEGORY = 150, 100, 500
_MOST_TAGS = 20
_AT_ONCE = 64 * 1024  # bytes
_MOST_PLACES = 3  # of pictures that are not shown, told
_ITEMS = frozenset({"item", "entry", "product"})
_LISTS = ("products", "items", "entries", "recommendations", "data", "results")
_COMMAS, _BETWEEN_WORDS = re.compile(r"[,;]"), re.compile(r"[,;\s]")
_BLANKS = re.compile(r"[\x00-\x20\x7f\u0085\u00a0\u2028\u2029]+")

# What a column or element may be called, beside its name at Google: https://support.google.com/merchants/answer/7052112
_NAMES: dict[str, tuple[str, ...]] = {
    "sku": ("id", "sku", "item_id", "product_id"),
    "name": ("title", "name", "product_name"),
    "url": ("link", "url", "product_url", "link.@href"),
    "image": ("image_link", "image", "image_url", "imagelink"),
    "price": ("price",),
    "sale_price": ("sale_price",),
    "sale_dates": ("sale_price_effective_date",),
    "currency": ("currency", "price_currency"),
    "availability": ("availability", "stock"),
    "category": ("product_type", "category", "google_product_category"),
    "group": ("item_group_id", "group", "parent_id", "parent_sku"),
    "languages": ("languages", "language", "content_language"),
    "markets": ("markets", "market", "countries", "country", "target_country"),
    "tags": ("tags", "labels", *(f"custom_label_{n}" for n in range(5))),
}
_KNOWN = frozenset(name.partition(".")[0] for names in _NAMES.values() for name in names)
_STOCK: dict[str, Availability] = {
    "in_stock": "in_stock", "instock": "in_stock", "available": "in_stock", "limited_availability": "in_stock",
    "yes": "in_stock", "true": "in_stock", "preorder": "preorder", "pre_order": "preorder", "presale": "preorder",
    "backorder": "backorder", "back_order": "backorder", "available_for_order": "backorder",
    "out_of_stock": "out_of_stock", "outofstock": "out_of_stock", "sold_out": "out_of_stock", "soldout": "out_of_stock",
    "discontinued": "out_of_stock", "no": "out_of_stock", "false": "out_of_stock", "0": "out_of_stock",
}  # fmt: skip


def read_catalogue(
    body: bytes, type: str, *, currency: str = "", image_hosts: Collection[str] = ()
) -> Catalogue | PartRead:
    """The products of a feed, ready to be found. What is left out is told, and from where no page may show pictures. Raises
    ValueError where there is no product."""
    part = read_products(body, type, currency=currency)
    if not part.value:
        raise ValueError("there are no products in it")
    made, unseen = catalogue(part.value), _unseen(part.value, image_hosts)
    mistakes = (*part.mistakes, *unseen)
    return PartRead(made, part.left_out + len(unseen), mistakes) if mistakes else made


def _unseen(products: Iterable[Product], image_hosts: Collection[str]) -> list[Mistake]:
    """The hosts whose pictures no setting allows, those of the most pictures first."""
    places = Counter("/".join(one.image.split("/", 3)[:3]) for one in products if not one.image.startswith("/"))
    places.pop("", None)
    unseen = [(place, count) for place, count in places.most_common() if not may_show(place, image_hosts)]
    return [
        Mistake(0, f"pictures from {place[:100]} are not shown ({count}): write https, and its host into image_hosts")
        for place, count in unseen[:_MOST_PLACES]
    ]


def read_products(body: bytes, type: str, *, currency: str = "") -> PartRead:
    """The products of a feed in their order, a tuple. `type` is a content type or a file's name; `currency` counts where a
    price names none."""
    products: list[Product] = []
    mistakes: list[Mistake] = []
    left_out = 0
    rows = _rows(body, type)
    for line, row in islice(rows, MOST_ROWS):
        try:
            products.append(_product(row, currency))
        except ValueError as error:
            left_out += 1
            if len(mistakes) < _MOST_MISTAKES:
                mistakes.append(Mistake(line, str(error)))
    if next(rows, None) is not None:
        left_out += 1
        mistakes.append(Mistake(0, f"only the first {MOST_ROWS} products are read"))
    if left_out and not products:
        first = mistakes[0]
        place = f"line {first.line}: " if first.line else ""
        raise ValueError(f"{place}{first.reason}; no other product can be used either")
    return PartRead(tuple(products), left_out, tuple(mistakes))


def read_recommended(body: bytes, type: str, *, currency: str = "") -> tuple[Product | str, ...] | PartRead:
    """What an endpoint recommends, in its order: products as in a feed, or SKUs of those in the feed."""
    skus = _skus(body)
    if skus is not None:
        return skus
    part = read_products(body, type, currency=currency)
    products: tuple[Product, ...] = part.value
    return PartRead(products, part.left_out, part.mistakes) if part.left_out else products


def _skus(body: bytes) -> tuple[str, ...] | None:
    """A JSON list of texts, by itself or under a name that lists have."""
    if body.lstrip()[:1] not in (b"[", b"{"):
        return None
    listed = _listed(body)
    try:
        return tuple(_word(msgspec.json.decode(one, type=str)) for one in listed)[:100]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


Row = tuple[int, Tree]


def _rows(body: bytes, type: str) -> Iterator[Row]:
    """The rows of a feed, each with its line (0 where there are none). By its first bytes: content types and names lie."""
    start = body[:1000].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] == b"<" or start[:4] in (b"\xff\xfe<\x00", b"\xfe\xff\x00<"):
        return xml_items(body.removeprefix(b"\xef\xbb\xbf").lstrip(), _ITEMS)
    if start[:1] in (b"[", b"{"):
        return ((0, _decoded(one)) for one in _listed(body))
    return _lines(body, type)


def _listed(body: bytes) -> list[msgspec.Raw]:
    """The items of a JSON list, not looked into yet, so that a wrong one costs itself alone."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        if body.lstrip()[:1] == b"[":
            return msgspec.json.decode(body, type=list[msgspec.Raw])
        named = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        for name in _LISTS:
            if name in named:
                return msgspec.json.decode(named[name], type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"it is not the JSON expected: {error}") from None
    raise ValueError(f"it is JSON without a list: name it {', '.join(_LISTS)}")


def _decoded(one: msgspec.Raw) -> Tree:
    try:
        return Tree(msgspec.json.decode(one))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Tree({"problem": str(error)})


def _lines(body: bytes, type: str) -> Iterator[Row]:
    """CSV, with commas or semicolons, or TSV; the first line names the columns."""
    text = io.TextIOWrapper(io.BytesIO(body), _encoding(body), "replace", newline="")
    lines = (line.replace("\x00", "") for line in text)  # not the whole at once, which would hold all other threads
    head = next(lines, "")
    if not head.strip():
        raise ValueError("line 1: there are no names of columns")
    mark = "\t" if "tab-separated" in type or type.endswith(".tsv") else max("\t,;|", key=head.count)
    reader = csv.reader(chain([head], lines), delimiter=mark)
    names = [_column(name) for name in _next(reader)]
    if not _known(names, "name") or not _known(names, "url"):
        raise ValueError(f"line 1: no columns for title and link: there are {', '.join(filter(None, names))[:200]}")
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, Tree({"problem": str(error)})
            continue
        if any(row):
            yield line, Tree(_by_name(names, row))


def _next(reader: Iterator[list[str]]) -> list[str]:
    try:
        return next(reader)
    except csv.Error as error:
        raise ValueError(f"line 1: {error}") from None


def _known(names: Iterable[str], field: str) -> bool:
    return not set(names).isdisjoint(_NAMES[field])


def _by_name(names: list[str], row: list[str]) -> dict[str, Any]:
    return {name: value for name, value in zip(names, row, strict=False) if name and value}


def _column(name: str) -> str:
    """A column as in Google's specification: "g:Image Link" is `image_link`."""
    return re.sub(r"[\s-]+", "_", name.strip().lower().rpartition(":")[2])


def _encoding(body: bytes) -> str:
    """By its mark, UTF-8, or what Windows writes in Western Europe."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(body), _AT_ONCE):
            decoder.decode(body[start : start + _AT_ONCE])
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


class _Fields:
    """A row by the fields of a product, whatever its own names for them."""

    def __init__(self, row: Tree) -> None:
        self._row = row
        self._names = _names_among(_KNOWN.intersection(row.value)) if type(row.value) is dict else _NAMES

    def first(self, field: str) -> str:
        for name in self._names[field]:
            if text := self._row.text(name):
                return text
        return ""

    def every(self, field: str) -> list[str]:
        return [one.text() for name in self._names[field] for one in self._row.each(name)]

    def price(self, field: str) -> str:
        """As Google writes it, or `{"value": 19.9, "currency": "EUR"}`."""
        inner = self._row.at(field)
        for amount in ("value", "amount"):
            if found := inner.text(amount):
                return f"{found} {inner.at('currency').text() or inner.at('currency_code').text()}"
        return self.first(field)


@lru_cache(256)  # the rows of a feed are nearly all made alike
def _names_among(there: frozenset[str]) -> Mapping[str, tuple[str, ...]]:
    return {field: tuple(name for name in names if name.partition(".")[0] in there) for field, names in _NAMES.items()}


def _product(row: Tree, currency: str) -> Product:
    """Raises ValueError for what cannot be offered."""
    if problem := row.at("problem").text():
        raise ValueError(problem)
    fields = _Fields(row)
    price, sale_price, currency = _prices(fields, currency)
    begins, ends = _dates(fields.first("sale_dates"))
    image = fields.first("image")
    split = (part.strip() for tag in fields.every("tags") for part in _COMMAS.split(_word(tag)))
    return Product(
        name=_blank(fields.first("name"))[:_LONGEST_NAME].strip(),
        url=fields.first("url"),
        sku=_word(fields.first("sku")),
        image=image if is_linkable(image) else "",
        price=price,
        sale_price=sale_price,
        sale_from=begins,
        sale_until=ends,
        currency=currency if price else "",
        availability=_STOCK.get(_column(fields.first("availability").rpartition("/")[2]), ""),
        category=_blank(fields.first("category"))[:_LONGEST_CATEGORY],
        tags=tuple(dict.fromkeys(filter(None, split)))[:_MOST_TAGS],
        group=_word(fields.first("group")),
        languages=_words(fields, "languages"),
        markets=tuple(one.upper() for one in _words(fields, "markets")),
    )


def _prices(fields: _Fields, currency: str) -> tuple[str, str, str]:
    """Price, sale price and their currency. A sale price that does not go with the price is none."""
    own = fields.first("currency").strip().upper() or currency
    written = fields.price("price")
    if not written:
        return "", "", ""
    price = amount_of(written, own)
    reduced = fields.price("sale_price")
    try:
        sale = amount_of(reduced, price.currency) if reduced else None
    except ValueError:
        sale = None
    return price.text, sale.text if sale and sale.currency == price.currency else "", price.currency


def _dates(text: str) -> tuple[date | None, date | None]:
    """The days of "2026-11-20T00:00+0100/2026-11-30T23:59+0100"."""
    if not text:
        return None, None
    begins, _, ends = text.partition("/")
    return _day(begins), _day(ends)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None


def _words(fields: _Fields, field: str) -> tuple[str, ...]:
    """A list, or a text with commas between."""
    said = fields.every(field)
    return tuple(_word(part) for text in said for part in _BETWEEN_WORDS.split(text) if part)[:50]


def _word(text: str) -> str:
    return _blank(text)[:_LONGEST_WORD].strip()


def _blank(text: str) -> str:
    """On one line, without what nobody sees."""
    return _BLANKS.sub(" ", text).strip()
