"""Acme: the contract of every widget, and what is special about this one."""

from typing import Any, ClassVar

from doorstep.testing import WidgetContract


class TestContract(WidgetContract):
    package = "doorstep_acme"


class TestWithoutAddress(WidgetContract):
    package = "doorstep_acme"
    settings: ClassVar[dict[str, Any]] = {"text": "Welcome back."}
