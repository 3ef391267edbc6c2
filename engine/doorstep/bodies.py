"""The body of an answer from outside, unpacked and never more than its cap, however small it came packed."""

import zlib

import httpx2

from .errors import ProtocolError


async def read_body(incoming: httpx2.Response, largest: int, *, what: str) -> bytes:
    """The decoded body. Raises ProtocolError with `what` it is ("the carrier's answer")."""
    encoding = incoming.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "deflate"):
        raise ProtocolError(f"{what} is packed as {encoding!r}, which was not asked for")
    unpack = zlib.decompressobj(47) if encoding in ("gzip", "deflate") else None
    body = bytearray()
    async for chunk in incoming.aiter_raw():
        try:
            body += unpack.decompress(chunk, largest + 1 - len(body)) if unpack else chunk
        except zlib.error:
            raise ProtocolError(f"{what} is packed wrongly") from None
        if len(body) > largest:
            raise ProtocolError(f"{what} is larger than {largest} bytes")
    if unpack and body and not unpack.eof:
        raise ProtocolError(f"{what} is packed wrongly: its end is missing")
    return bytes(body)
