"""What is found when it is first asked for, and stays. `functools.cached_property` takes a lock for it before Python 3.12: for
a small thing that is most of its time."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class once(Generic[T]):
    """An attribute of an object that has a `__dict__`, made by this method."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, obj: None, owner: type) -> "once[T]": ...
    @overload
    def __get__(self, obj: object, owner: type) -> T: ...
    def __get__(self, obj: object | None, owner: type) -> "once[T] | T":
        if obj is None:
            return self
        made = obj.__dict__[self._name] = self._make(obj)
        return made
