"""Structured logs on stderr: one line an event, for people on a terminal and as JSON elsewhere. No numbers, no persons."""

import logging
import sys

import structlog
from structlog.tracebacks import ExceptionDictTransformer


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
            # Without the values of local variables: those are numbers, names and keys.
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # as it is when something is to be told
        cache_logger_on_first_use=False,
    )
