"""Doorstep: a headless tracking-page engine. This module is all that a plugin imports."""

from . import moments
from .addresses import is_web_address
from .auth import Auth, Basic, Credential, HeaderKey, NoAuth, OAuthClientCredentials, basic
from .carrier import Carrier, NoSettings
from .codes import CodeTable, Meaning
from .context import Link, StoreView
from .errors import (
    AuthExpired,
    AuthRefused,
    CarrierError,
    CarrierUnavailable,
    DoorstepError,
    ProtocolError,
    RateLimited,
)
from .exchange import Answer, Exchange, Found, NotFound, Query, Request, Response
from .hookspecs import hookimpl
from .manifest import Manifest
from .models import (
    TROUBLE,
    Basis,
    Document,
    Event,
    Flag,
    Leg,
    Moment,
    PickupPoint,
    Piece,
    Place,
    Precision,
    Shipment,
    Status,
    Weight,
    Window,
)
from .secret import Secret
from .widget import FormProblem, NoWidgetSettings, ShipmentFacts, Submission, Widget, WidgetView

__version__ = "0.1.0"

__all__ = [
    "TROUBLE",
    "Answer",
    "Auth",
    "AuthExpired",
    "AuthRefused",
    "Basic",
    "Basis",
    "Carrier",
    "CarrierError",
    "CarrierUnavailable",
    "CodeTable",
    "Credential",
    "Document",
    "DoorstepError",
    "Event",
    "Exchange",
    "Flag",
    "FormProblem",
    "Found",
    "HeaderKey",
    "Leg",
    "Link",
    "Manifest",
    "Meaning",
    "Moment",
    "NoAuth",
    "NoSettings",
    "NoWidgetSettings",
    "NotFound",
    "OAuthClientCredentials",
    "PickupPoint",
    "Piece",
    "Place",
    "Precision",
    "ProtocolError",
    "Query",
    "RateLimited",
    "Request",
    "Response",
    "Secret",
    "Shipment",
    "ShipmentFacts",
    "Status",
    "StoreView",
    "Submission",
    "Weight",
    "Widget",
    "WidgetView",
    "Window",
    "basic",
    "hookimpl",
    "is_web_address",
    "moments",
]  # fmt: skip
