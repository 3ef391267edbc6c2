"""A client for a Redis or Valkey by its URL: one server, those a Sentinel watches, or a cluster.

    redis://user:password@host:6379/0        rediss:// with TLS, unix:// for a socket
    redis+sentinel://user:password@host:26379,host:26379/name/0   rediss+sentinel:// with TLS
    redis+cluster://user:password@host:6379,host:6379             rediss+cluster:// with TLS

Parameters are the client's, `?ssl_ca_certs=/etc/ca.pem` for one; `sentinel_username` and `sentinel_password` are for Sentinels.
"""

import asyncio
from typing import Any
from urllib.parse import SplitResult, urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import BlockingConnectionPool, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

TIMEOUT = 0.25  # seconds a page may lose to what is shared
QUIETLY = 5.0  # for what no page waits for: of several Sentinels some may be lost
Client = Any  # Redis and RedisCluster have no type in common

# Whoever asks has `patience`. The client's own would take a loop that was held up for a server that is lost, so it has none,
# or where there are several servers enough to leave one of them for the next.
_PATIENT: dict[str, Any] = {"socket_timeout": None, "socket_connect_timeout": QUIETLY}
_OF_SEVERAL: dict[str, Any] = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}


class _WatchedPool(SentinelConnectionPool):
    """Connections to a master; those to its Sentinels end with them."""

    async def disconnect(self, inuse_connections: bool = True) -> None:
        await super().disconnect(inuse_connections)
        await self.sentinel_manager.aclose()


class _Cluster(RedisCluster):
    """A client that, while it is about to look for its nodes again, closes their connections too."""

    async def aclose(self) -> None:
        await super().aclose()
        nodes = (*self.nodes_manager.nodes_cache.values(), *self.nodes_manager.startup_nodes.values())
        await asyncio.gather(*(node.disconnect() for node in nodes), return_exceptions=True)


def open_client(url: str) -> Client:
    """Connects at the first command. Raises ValueError for what is no such URL."""
    parts = urlsplit(url)
    scheme, _, kind = parts.scheme.partition("+")
    match kind:
        case "":
            return _server(url)
        case "sentinel":
            return _watched(parts, scheme)
        case "cluster":
            return _cluster(parts, scheme)
    raise ValueError(f"no such kind of Redis: {kind}")


async def listener(client: Client, **options: Any) -> Any:
    """What subscribes to channels. In a cluster every node tells what is said at any: it is another one each time, so that
    one which is down does not make all others deaf."""
    if not isinstance(client, RedisCluster):
        return client.pubsub(**options)
    await client.initialize()
    return client.pubsub(node=client.get_random_node(), **options)


def _server(url: str) -> Client:
    pool = BlockingConnectionPool.from_url(
        url,
        timeout=QUIETLY,  # for one of the connections
        retry=Retry(NoBackoff(), 0),
        max_connections=64,
        **_PATIENT,
    )
    return Redis.from_pool(pool)


def _watched(parts: SplitResult, scheme: str) -> Client:
    """The server that the Sentinels call the master now; asked again, once, when a connection breaks."""
    name, _, db = parts.path.strip("/").partition("/")
    options = _options(parts, scheme, db or "0")
    named = {key: options.pop(key) for key in list(options) if key.startswith("sentinel_")}
    own = {key.removeprefix("sentinel_"): value for key, value in named.items()}
    secured = {key: value for key, value in options.items() if key.startswith("ssl")}
    sentinel: Any = Sentinel  # which has no types
    sentinels = sentinel(
        _hosts(parts, 26379), sentinel_kwargs={**_OF_SEVERAL, "retry": Retry(NoBackoff(), 0), **secured, **own}
    )
    options |= _PATIENT
    return sentinels.master_for(name, connection_pool_class=_WatchedPool, retry=Retry(NoBackoff(), 1), **options)


def _cluster(parts: SplitResult, scheme: str) -> Client:
    nodes = [ClusterNode(host, port) for host, port in _hosts(parts, 6379)]
    options = _options(parts, scheme, "0") | _OF_SEVERAL
    # Where a part of the slots is not served, the others are.
    return _Cluster(
        startup_nodes=nodes, require_full_coverage=False, retry=Retry(NoBackoff(), 1), max_connections=64, **options
    )


def _options(parts: SplitResult, scheme: str, db: str) -> dict[str, Any]:
    """What a URL says beside its hosts, as the client's own reading of a URL gives it."""
    first = parts._replace(scheme=scheme, netloc=parts.netloc.partition(",")[0], path=f"/{db}")
    options = dict(parse_url(first.geturl()))
    for one in ("host", "port", "db", "connection_class"):
        options.pop(one, None)
    if db != "0":
        options["db"] = int(db)
    return options | ({"ssl": True} if scheme == "rediss" else {})


def _hosts(parts: SplitResult, port: int) -> list[tuple[str, int]]:
    each = [urlsplit(f"//{one}") for one in parts.netloc.rpartition("@")[2].split(",")]
    return [(one.hostname or "localhost", one.port or port) for one in each]
