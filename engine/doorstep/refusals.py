"""What the API refuses, and how it says so: a status, a stable code, and words in the caller's language."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from .i18n import N_


class Problem(Struct, frozen=True):
    """How a refusal reads; `title` and `detail` are msgids."""

    status: int
    title: str
    detail: str


PROBLEMS: dict[str, Problem] = {
    "unreadable": Problem(
        400, N_("The request cannot be read"), N_("The body must be one JSON value in UTF-8, with every name once."),
    ),
    "invalid_key": Problem(
        400, N_("This Idempotency-Key cannot be used"), N_("It has 1 to 128 printable ASCII characters."),
    ),
    "unauthorized": Problem(
        401, N_("A key is needed"), N_("Send a key of this store that has not expired: Authorization: Bearer ds_…"),
    ),
    "forbidden": Problem(
        403, N_("This key may not do that"), N_("Make a key with the scope that is named here."),
    ),
    "order_not_found": Problem(
        404, N_("There is no such order"), N_("Name it by its id or by the shop’s own number, URL-encoded."),
    ),
    "banner_not_found": Problem(404, N_("There is no such banner"), N_("Name it by its id.")),
    "code_not_found": Problem(404, N_("There is no such code"), N_("Write it as it is in the pool, or on the page.")),
    "referral_not_found": Problem(404, N_("There is no such referral"), N_("Name it by its id.")),
    "answer_not_found": Problem(404, N_("There is no such answer"), N_("Name it by its id.")),
    "method_not_allowed": Problem(
        405, N_("That cannot be done with this address"), N_("The header Allow names what can."),
    ),
    "order_exists": Problem(
        409, N_("There is an order with this number"), N_("Change it with PATCH, or choose another number."),
    ),
    "code_redeemed": Problem(
        409, N_("This code was used already"), N_("It was used for another order, and is good for one."),
    ),
    "code_ended": Problem(409, N_("This code has ended"), N_("Its last day is over.")),
    "code_shared": Problem(
        409, N_("This code brings friends"), N_("It is used by many: note each order with POST /api/v1/referrals."),
    ),
    "referral_settled": Problem(
        409, N_("This referral was settled otherwise"), N_("What is earned or refused stays so."),
    ),
    "answer_not_shared": Problem(
        409, N_("This answer must not be shown"), N_("Its customer has not written anything that others may see."),
    ),
    "order_erased": Problem(
        410, N_("The personal data of this order were erased"), N_("It can be read and deleted, and is not written again."),
    ),
    "changed": Problem(
        412, N_("It was changed in the meantime"), N_("Read it again, and send the change with its new ETag."),
    ),
    "too_large": Problem(413, N_("The request is too large"), N_("A body has 1 MB at most.")),
    "unsupported_type": Problem(
        415, N_("The body is of another type"), N_("Send it as application/json, not compressed."),
    ),
    "invalid": Problem(
        422, N_("Something in the request is not right"), N_("Each entry of “errors” names a place and what to do."),
    ),
    "key_reused": Problem(
        422, N_("This Idempotency-Key came with another request"), N_("Make a new key for each request."),
    ),
    "rate_limited": Problem(
        429, N_("Too many requests"), N_("Ask again after the seconds that Retry-After names."),
    ),
    "store": Problem(
        503, N_("Nothing can be kept just now"), N_("Send the same request again in a few seconds."),
    ),
}  # fmt: skip


class Fault(Struct, frozen=True):
    """What is wrong with one part of a request, and what to do."""

    path: str
    problem: str
    next_step: str


class Refusal(Exception):
    """Ends a request with the problem of this code; `more` are further members of the document."""

    def __init__(self, code: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.headers = dict(headers or {})
        self.more = more


def invalid(*faults: Fault) -> Refusal:
    return Refusal("invalid", errors=list(faults))
