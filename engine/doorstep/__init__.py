"""Doorstep: a headless tracking-page engine. This module is all that a plugin imports."""

from . import countries, moments, soap
from .addresses import is_web_address
from .auth import Auth, Basic, Credential, HeaderKey, InJson, NoAuth, OAuthClientCredentials, QueryKey, basic
from .carrier import Carrier, CarrierSettings, NoSettings, PushSettings
from .codes import CodeTable, Meaning
from .connector import Change, Connector, ConnectorSettings, DataRequest, OrderChange, OrderGone, Redaction
from .context import Link, StoreView
from .corrections import sent_back, taken_back
from .errors import (
    AuthExpired,
    AuthRefused,
    CarrierError,
    CarrierUnavailable,
    DoorstepError,
    ProtocolError,
    RateLimited,
)
from .exchange import Answer, Answers, Exchange, Found, NotFound, Query, Registrations, Request, Response, each_of
from .files import File, file_in
from .hookspecs import hookimpl, registers
from .incoming import Incoming, Pushed, Verdict, is_any, is_signed
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
from .order import PackedItem, Parcel
from .secret import Secret
from .summary import turned_back
from .tree import Tree, newest_first
from .widget import FormProblem, NoWidgetSettings, OrderFacts, ShipmentFacts, Submission, Widget, WidgetView

__version__ = "0.1.0"

__all__ = [
    "TROUBLE",
    "Answer",
    "Answers",
    "Auth",
    "AuthExpired",
    "AuthRefused",
    "Basic",
    "Basis",
    "Carrier",
    "CarrierError",
    "CarrierSettings",
    "CarrierUnavailable",
    "Change",
    "CodeTable",
    "Connector",
    "ConnectorSettings",
    "Credential",
    "DataRequest",
    "Document",
    "DoorstepError",
    "Event",
    "Exchange",
    "File",
    "Flag",
    "FormProblem",
    "Found",
    "HeaderKey",
    "InJson",
    "Incoming",
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
    "OrderChange",
    "OrderFacts",
    "OrderGone",
    "PackedItem",
    "Parcel",
    "PickupPoint",
    "Piece",
    "Place",
    "Precision",
    "ProtocolError",
    "PushSettings",
    "Pushed",
    "Query",
    "QueryKey",
    "RateLimited",
    "Redaction",
    "Registrations",
    "Request",
    "Response",
    "Secret",
    "Shipment",
    "ShipmentFacts",
    "Status",
    "StoreView",
    "Submission",
    "Tree",
    "Verdict",
    "Weight",
    "Widget",
    "WidgetView",
    "Window",
    "basic",
    "countries",
    "each_of",
    "file_in",
    "hookimpl",
    "is_any",
    "is_signed",
    "is_web_address",
    "moments",
    "newest_first",
    "registers",
    "sent_back",
    "soap",
    "taken_back",
    "turned_back",
]  # fmt: skip
