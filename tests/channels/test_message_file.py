"""Messages as files: each is whole or not there, and is written again under the same name."""

import asyncio
import json
from email import message_from_bytes, policy
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx2
import pytest

from doorstep import Deferred
from doorstep.testing import ChannelContract
from doorstep_message_file import MessageFile, Settings

from ..messaging import ID, message


class TestContract(ChannelContract):
    package = "doorstep_message_file"

    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:
        return {"folder": str(tmp_path / "sent")}

    @pytest.fixture
    def away(self, tmp_path: Path) -> dict[str, Any]:
        (tmp_path / "file").write_text("")
        return {"folder": str(tmp_path / "file" / "sent")}


def channel(folder: Path) -> MessageFile:
    return MessageFile(Settings(folder=folder), httpx2.AsyncClient(trust_env=False))


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


async def test_a_message_is_four_files_and_the_mail_is_as_it_would_be_sent(tmp_path: Path) -> None:
    for _ in range(2):
        assert await channel(tmp_path).send(message()) == ID
    assert names(tmp_path) == [f"{ID}.{end}" for end in ("eml", "html", "json", "txt")]
    mail = message_from_bytes((tmp_path / f"{ID}.eml").read_bytes(), policy=policy.default)
    assert (mail["To"], mail["Subject"]) == ("mara@post.example", "Dein Päckchen ist da")
    assert (tmp_path / f"{ID}.html").read_text("utf-8") == "<p>Dein Päckchen ist da</p>"
    assert (tmp_path / f"{ID}.txt").read_text("utf-8").startswith("Dein Päckchen ist da.")
    record = json.loads((tmp_path / f"{ID}.json").read_text("utf-8"))
    assert (record["kind"], record["to"], record["event"]["order"]) == ("delivered", "mara@post.example", "1001")


def test_the_same_message_at_the_same_moment_is_written_by_both(tmp_path: Path) -> None:
    meeting, wrote = Barrier(2), Path.replace

    def replace(half: Path, target: Path) -> Path:
        meeting.wait(10)
        return wrote(half, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", replace)

        async def both() -> list[str]:
            return await asyncio.gather(*(channel(tmp_path).send(message()) for _ in range(2)))

        assert asyncio.run(both()) == [ID, ID]
    assert names(tmp_path) == [f"{ID}.{end}" for end in ("eml", "html", "json", "txt")]


async def test_a_message_for_the_shop_alone_is_written_too(tmp_path: Path) -> None:
    await channel(tmp_path).send(message(to=""))
    assert json.loads((tmp_path / f"{ID}.json").read_text("utf-8"))["to"] == ""


async def test_nothing_is_left_of_what_could_not_be_written(tmp_path: Path) -> None:
    (tmp_path / f"{ID}.eml").mkdir()
    with pytest.raises(Deferred):
        await channel(tmp_path).send(message())
    assert names(tmp_path) == [f"{ID}.{end}" for end in ("eml", "html", "txt")]
