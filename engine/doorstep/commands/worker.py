"""`doorstep worker`: refreshes parcels of orders, notices what slips, tells the shop."""

import asyncio
import signal
from contextlib import nullcontext
from pathlib import Path

import click
import msgspec
from starlette.applications import Starlette

from .. import logs
from ..app import health_of
from ..engine import Engine, create_engine
from ..serving import Site, beside, listen
from ..worker import Worker, chores_of
from .options import config_option, json_option, loaded


@click.command()
@config_option
@click.option("--once", is_flag=True, help="Do what is due now, and end: for a scheduler of your own.")
@click.option("--metrics-port", type=click.IntRange(0, 65535), help="Answer /metrics, /readyz and /healthz here.")
@click.option("--metrics-host", default="127.0.0.1", show_default=True, help="The address for --metrics-port.")
@json_option
def worker(path: Path, once: bool, metrics_port: int | None, metrics_host: str, as_json: bool) -> None:
    """Ask carriers about the parcels of orders when they are due, notice promises at risk, deliver webhooks."""
    logs.configure()
    engine = create_engine(loaded(path))
    if not once:
        served = None
        if metrics_port is not None:
            served = Site(Starlette(routes=health_of(engine).routes()), listen(metrics_host, metrics_port))
            click.echo(f"doorstep: metrics are on {served.url}/metrics", err=True)
        click.echo("doorstep: worker is at work; stop it with Ctrl+C", err=True)
        asyncio.run(_work(engine, served))
        return
    done = asyncio.run(_work_once(engine))
    told = msgspec.json.encode({"done": done}).decode() if as_json else f"done: {done}"
    click.echo(told)


async def _work(engine: Engine, served: Site | None) -> None:
    worker = Worker(engine, chores_of(engine))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    await engine.database.open()
    try:
        with engine.loop_watch.watching():
            async with beside(served) if served else nullcontext():
                await worker.run()
    finally:
        await engine.close()


async def _work_once(engine: Engine) -> int:
    """Until nothing is left to be done; a webhook that is refused is tried again by the next run."""
    worker = Worker(engine, chores_of(engine))
    await engine.database.open()
    done = 0
    try:
        while more := await worker.run_once():
            done += more
    finally:
        await engine.close()
    return done
