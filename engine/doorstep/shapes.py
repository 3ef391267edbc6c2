"""A JSON answer as Structs, decoded in one go: for answers asked for so often that reading them by path costs too much.

    class Scan(Struct, rename="camel"):
        status_code: str | None = None

    class Parcel(Struct):
        scans: list[Scan] | None = None

    parcel = response.shaped(Parcel)

Every field has a default and may be None. A carrier's other habits are read as by `tree`, and as slowly: a number for a text,
one object for a list, an item that is null; what is of another type is empty, and never an exception.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from .tree import Tree

T = TypeVar("T")

_type: Callable[[Any], inspect.Type] = cache(inspect.type_info)  # a plugin's own shapes: few


def shaped(body: bytes, shape: type[T]) -> T:
    """Raises msgspec.MsgspecError and what else its decoder does, if the body is no JSON or neither object nor list."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError:
        value = msgspec.json.decode(body)
        if not isinstance(value, dict | list):
            raise
        return msgspec.convert(_fitted(Tree(value), _type(shape)), shape)


def _fitted(value: Tree, kind: inspect.Type) -> Any:
    """What can be read of a value where one of this type stands; None for nothing."""
    match kind:
        case inspect.UnionType(types=types):
            other = next(one for one in types if not isinstance(one, inspect.NoneType))
            return None if value.value in (None, "") else _fitted(value, other)
        case inspect.StructType(fields=fields):
            return {field.encode_name: _fitted(value.at(field.encode_name), field.type) for field in fields}
        case inspect.ListType(item_type=item):
            return [_fitted(one, item) for one in value.each()]
        case inspect.StrType():
            return value.text()
        case inspect.FloatType():
            return value.number()
        case _:
            return value.value
