"""How processes that share a Redis hear of a change that their channel does not carry: a generation, kept beside the answers.

Who finds another one than a moment ago may have missed something. They have no order: an emptied Redis is one more.
"""

import secrets

from .cache import Shared


class Generation:
    """That of one engine's processes. Both raise Unshared."""

    def __init__(self, shared: Shared, *, space: str) -> None:
        self._shared = shared
        self._key = f"doorstep:generation:{space}"

    async def now(self) -> bytes:
        return await self._shared.run(bytes, "return redis.call('GET', KEYS[1]) or ''", [self._key])

    async def begin(self) -> None:
        """A new one."""
        await self._shared.run(bytes, "return redis.call('SET', KEYS[1], ARGV[1])", [self._key], secrets.token_hex(8))
