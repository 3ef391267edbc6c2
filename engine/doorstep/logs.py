"""Structured logs on stderr: one line an event, for people on a terminal and as JSON elsewhere. No numbers, no persons."""

import logging
import sys
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, ExcInfo

from .lines import one_line

_traced = ExceptionDictTransformer(show_locals=False)


def configure(*, verbose: bool = False) -> None:
    """Sets up logging for a process that Doorstep owns (its commands); a host application keeps its own."""
    level = logging.DEBUG if verbose else logging.INFO
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=True) if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(_places),
            _on_one_line,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # as it is when something is to be told
        cache_logger_on_first_use=False,
    )


def _places(exc_info: ExcInfo) -> list[dict[str, Any]]:
    """Where it failed, without any value: variables, and what errors say of them, are numbers, names and keys."""
    return [_without_values(one) for one in _traced(exc_info)]


def _without_values(trace: dict[str, Any]) -> dict[str, Any]:
    grouped = [[_without_values(one) for one in group] for group in trace["exceptions"]]
    return {**trace, "exc_value": "", "exc_notes": [], "exceptions": grouped}


def _on_one_line(logger: Any, method: str, event: EventDict) -> EventDict:
    """What strangers wrote begins no line of its own, and tells a terminal nothing."""
    return {name: one_line(value) if isinstance(value, str) else value for name, value in event.items()}
