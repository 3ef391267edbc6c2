"""Answers over HTTP: read by the shop, and allowed to be shown to others, or not any more."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct, structs
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from .answers import Answer, Answers, find, listed
from .gate import Call, Gate, Query, Reply
from .openapi import Operation
from .paging import cursor, instant, next_link, place
from .refusals import Refusal
from .voices import may_be_shown

_ANSWERS = "/api/v1/answers"
_ANSWER = _ANSWERS + "/{answer}"


class AnsweredOrder(Struct, frozen=True):
    """The order whose page was answered."""

    id: str
    number: str


class AnswerItem(Struct, frozen=True):
    """An answer. `order` is null where only the number of a parcel was known to whoever gave it, or the order is forgotten;
    `data` is what the widget keeps; `may_be_shown` is the customer's leave to show it, `approved_at` the shop's."""

    id: int
    widget: str
    moment: str
    order: AnsweredOrder | None
    data: dict[str, Any]
    may_be_shown: bool
    created_at: datetime
    updated_at: datetime
    approved_at: datetime | None


class AnswerList(Struct, frozen=True):
    """A page of answers, the last written first; `after` is the parameter of the next page, null on the last."""

    answers: tuple[AnswerItem, ...]
    after: str | None


class AnswersQuery(Query, frozen=True):
    """Which answers; `since` is when they were last written, `after` comes from the page before."""

    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    after: Annotated[str, Meta(max_length=200)] = ""
    widget: Annotated[str, Meta(max_length=64, pattern=r"^[a-z0-9_]*$")] = ""
    moment: Annotated[str, Meta(max_length=64, pattern=r"^[a-z0-9_]*$")] = ""
    since: Annotated[str, Meta(max_length=40, extra_json_schema={"format": "date-time"})] | None = None


class AnswersApi:
    """What the API does with answers. Every function is the work of one transaction."""

    def __init__(self, gate: Gate, answers: Answers) -> None:
        self._gate = gate
        self._answers = answers

    def operations(self) -> list[Operation]:
        of, read, write = self._gate.operation, {"scope": "answers:read"}, {"scope": "answers:write"}
        one: dict[str, Any] = {"gives": {200: AnswerItem}}
        return [
            of(
                self.list_answers, "GET", _ANSWERS, "List answers of widgets' forms, the last written first",
                query=AnswersQuery, gives={200: AnswerList}, refuses=(422,), **read,
            ),
            of(self.read_answer, "GET", _ANSWER, "Read an answer", refuses=(404,), **one, **read),
            self._told(of(
                self.approve_answer, "POST", _ANSWER + "/approve", "Let pages show an answer to others",
                refuses=(400, 404, 409), **one, **write,
            )),
            self._told(of(
                self.withdraw_answer, "POST", _ANSWER + "/withdraw", "Show an answer no more",
                refuses=(400, 404), **one, **write,
            )),
        ]  # fmt: skip

    def _told(self, operation: Operation) -> Operation:
        """The operation, after which pages show what is approved then."""

        async def endpoint(request: Request) -> Response:
            try:
                return await operation.endpoint(request)
            finally:
                self._answers.changed(request.state.shop.id)

        return structs.replace(operation, endpoint=endpoint)

    def list_answers(self, connection: Connection, call: Call) -> Reply:
        query: AnswersQuery = call.query
        after = _place(query.after) if query.after else None
        since = instant(query.since, "?since") if query.since is not None else None
        found = listed(
            connection, call.shop.id, widget=query.widget, moment=query.moment, since=since, after=after,
            limit=query.limit,
        )  # fmt: skip
        following = cursor((found.after[0], str(found.after[1]))) if found.after else None
        items = tuple(map(_item, found.answers))
        return Reply(AnswerList(items, following), headers=next_link(call, _ANSWERS, following))

    def read_answer(self, connection: Connection, call: Call) -> Reply:
        return Reply(_item(_found(connection, call)))

    def approve_answer(self, connection: Connection, call: Call) -> Reply:
        answer = _found(connection, call)
        if not may_be_shown(answer.data):
            raise Refusal("answer_not_shared")
        return Reply(_item(self._answers.approve(connection, answer)))

    def withdraw_answer(self, connection: Connection, call: Call) -> Reply:
        return Reply(_item(self._answers.withdraw(connection, _found(connection, call))))


def _found(connection: Connection, call: Call) -> Answer:
    answer = find(connection, call.shop.id, call.names["answer"])
    if answer is None:
        raise Refusal("answer_not_found")
    return answer


def _place(after: str) -> tuple[datetime, int]:
    at, id = place(after)
    return at, int(id) if id.isdigit() else 0


def _item(answer: Answer) -> AnswerItem:
    order = AnsweredOrder(answer.given_to, answer.order) if answer.order is not None else None
    return AnswerItem(
        answer.id, answer.widget, answer.moment, order, answer.data, may_be_shown(answer.data), answer.created_at,
        answer.updated_at, answer.approved_at,
    )  # fmt: skip
