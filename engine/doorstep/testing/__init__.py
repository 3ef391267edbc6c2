"""For plugin authors: contract suites that any carrier, widget or channel plugin can run, as a pytest plugin.

    from doorstep.testing import CarrierContract

    class TestContract(CarrierContract):
        package = "doorstep_acme"

Installing Doorstep with pytest is enough; the suites run the real plugin over real HTTP to its own sandbox, on loopback.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

    from .carriers import CarrierContract
    from .channels import ChannelContract
    from .servers import Served, serve
    from .widgets import WidgetContract

__all__ = ["CarrierContract", "ChannelContract", "Served", "WidgetContract", "serve"]

_HOMES = {
    "CarrierContract": "carriers",
    "ChannelContract": "channels",
    "WidgetContract": "widgets",
    "Served": "servers",
    "serve": "servers",
}


def __getattr__(name: str) -> Any:
    # pytest imports this module in every project where Doorstep is installed: what it offers loads when it is used.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def pytest_generate_tests(metafunc: "pytest.Metafunc") -> None:
    """One test per sample, where a contract suite asks for a `case`."""
    cases = getattr(metafunc.cls, "contract_cases", None)
    if cases is not None and "case" in metafunc.fixturenames:
        found = cases(metafunc.function.__name__)
        metafunc.parametrize("case", found, ids=[case.name for case in found])
