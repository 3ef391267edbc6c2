"""Mail that came back says which message it was, and whether its address is no more."""

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from doorstep.cli import main
from doorstep.config import load
from doorstep.engine import create_engine
from doorstep.message import Fate, Report
from doorstep.returned_mail import reports_in
from doorstep.tables import messages, orders, unreachable

from .messaging import ID
from .orders import KEY, order

# As RFC 3464 shows them, with an address of ours.
DSN = dedent("""\
    From: Mail Delivery <mailer-daemon@mail.post.example>
    To: orders@shop.example
    Subject: Returned mail
    MIME-Version: 1.0
    Content-Type: multipart/report; report-type=delivery-status; boundary="b"

    --b

    Could not be delivered.

    --b
    Content-Type: message/delivery-status

    Reporting-MTA: dns; mail.post.example
    Arrival-Date: Sun, 22 Nov 2026 12:00:00 +0000

    Original-Recipient: rfc822;mara@post.example
    Final-Recipient: rfc822;mara@post.example
    Action: {action}
    Status: {status}
    Diagnostic-Code: smtp; {said}

    --b
    Content-Type: {quoted}

    From: orders@shop.example
    Message-ID: <{id}@shop.example>
    Subject: Your parcel has arrived

    --b--
    """)
COMPLAINT = dedent("""\
    From: feedback@post.example
    MIME-Version: 1.0
    Content-Type: multipart/report; report-type=feedback-report; boundary="b"

    --b

    Somebody complained.

    --b
    Content-Type: message/feedback-report

    Feedback-Type: {kind}
    User-Agent: Post/1
    Version: 1

    --b
    Content-Type: message/rfc822

    From: orders@shop.example
    Message-ID: <{id}@shop.example>

    Hello

    --b--
    """)


def returned(**fields: str) -> bytes:
    usual = {
        "action": "failed",
        "status": "5.1.1",
        "said": "550 5.1.1 no such user",
        "quoted": "message/rfc822",
        "id": ID,
    }
    return DSN.format(**{**usual, **fields}).encode()


def test_a_mail_to_nobody_names_its_message_and_why() -> None:
    for quoted in ("message/rfc822", "text/rfc822-headers"):
        assert reports_in(returned(quoted=quoted)) == [Report(Fate.BOUNCED, ID, reason="5.1.1 550 5.1.1 no such user")]
    assert reports_in(returned().replace(b"\n", b"\r\n")) == reports_in(returned())


@pytest.mark.parametrize(
    ("fields", "fates"),
    [
        ({"status": "5.1.10"}, [Fate.BOUNCED]),
        ({"status": "5.1.8"}, [Fate.REFUSED]),
        ({"status": "5.2.2"}, [Fate.REFUSED]),
        ({"status": "5.7.1 (blocked)"}, [Fate.REFUSED]),
        ({"status": "4.4.7"}, []),
        ({"status": ""}, []),
        ({"action": "delayed", "status": "5.1.1"}, []),
        ({"action": "Delivered", "status": "2.0.0"}, [Fate.DELIVERED]),
        ({"action": "relayed", "status": "2.0.0"}, []),
    ],
)
def test_only_what_is_said_of_the_address_counts_against_it(fields: dict[str, str], fates: list[Fate]) -> None:
    assert [one.fate for one in reports_in(returned(**fields))] == fates


def test_without_the_quoted_mail_the_one_that_it_answers_is_meant() -> None:
    mail = returned(quoted="text/plain")
    assert reports_in(mail) == []
    assert [one.id for one in reports_in(f"In-Reply-To: <{ID}@shop.example>\n".encode() + mail)] == [ID]


def test_a_complaint_is_one_and_other_feedback_is_not() -> None:
    assert reports_in(COMPLAINT.format(kind="abuse", id=ID).encode()) == [Report(Fate.COMPLAINED, ID, reason="abuse")]
    assert reports_in(COMPLAINT.format(kind="not-spam", id=ID).encode()) == []


@pytest.mark.parametrize(
    "mail",
    [
        b"",
        b"\xff\xfe\x00",
        b"From: mara@post.example\nSubject: Status: 5.1.1\n\nAction: failed\nStatus: 5.1.1\n",
        returned(id="somebody-elses"),
        returned(id="msg_" + "x" * 23 + "\n"),
        b"Content-Type: message/delivery-status\n\nAction: failed\nStatus: 5.1.1\n",
        b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n",
        returned().replace(b"Message-ID:", b"Message-ID: <<>@[\n"),
    ],
)
def test_what_is_no_report_of_ours_says_nothing(mail: bytes) -> None:
    assert reports_in(mail) == []


def test_an_out_of_office_reply_says_nothing() -> None:
    assert (
        reports_in(f"In-Reply-To: <{ID}@shop.example>\nAuto-Submitted: auto-replied\n\nAway until 5.1.1\n".encode())
        == []
    )


def test_the_command_keeps_what_came_back(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    settings = f'secret_key = "{KEY.reveal()}"\n[stores.main]\nname = "Shop"\n'
    Path("doorstep.toml").write_text(settings, "utf-8")
    engine = create_engine(load(Path("doorstep.toml"), {}), packages=[])
    engine.database.open_now()
    now = engine.clock.now()
    with engine.database.writing() as connection:
        wanted = order("1001", email="mara@post.example")
        engine.ledger.enter(connection, "main", "1001", lambda _: wanted)
        row = {
            "id": ID, "store": "main", "order_id": connection.scalar(select(orders.c.id)), "kind": "delivered",
            "channel": "email", "once": "o", "state": "sent", "reason": "", "handed_at": now, "attempts": 1, "error": "",
            "reference": "", "created_at": now,
        }  # fmt: skip
        connection.execute(messages.insert().values(row))
    run = CliRunner()
    kept = run.invoke(main, ["messages", "bounced"], input=returned())
    assert (kept.exit_code, kept.output) == (0, f"{ID}: bounced, 5.1.1 550 5.1.1 no such user\nkept\n")
    again = run.invoke(main, ["messages", "bounced", "--json"], input=returned())
    assert (again.exit_code, '"kept":false' in again.output) == (0, True)
    none = run.invoke(main, ["messages", "bounced"], input=b"Subject: hello\n\nhello\n")
    assert (none.exit_code, none.output) == (0, "nothing to keep\n")
    with engine.database.reading() as connection:
        assert connection.scalar(select(messages.c.state)) == "bounced"
        assert connection.scalar(select(unreachable.c.contact)) == engine.vault.email_hash("mara@post.example")
    engine.database.close_now()
