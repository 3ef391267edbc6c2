"""`doorstep push`: a carrier's sample of a push, sent to an engine as the carrier would."""

from collections.abc import Mapping
from pathlib import Path

import click
import httpx2

from ..packages import found
from ..samples import Case, Role, load_samples
from ..terminal import say


@click.command()
@click.argument("carrier")
@click.argument("case", default="")
@click.option("--to", "url", default="http://127.0.0.1:8000", show_default=True, help="The address of a store.")
@click.option("--account", default="", help="The account there; the carrier's slug, if not named.")
def push(carrier: str, case: str, url: str, account: str) -> None:
    """Send what a sample CASE of CARRIER pushes, signed as the sandbox's account has it: to the demo, or to an engine with the
    same push_secret. Without a CASE, list them."""
    cases = _cases(carrier)
    if not case:
        click.echo("\n".join(f"{one.name}  {one.title}" for one in cases.values()))
        return
    if case not in cases:
        raise click.ClickException(
            f"{carrier} has no sample {case!r} of a push; there are {', '.join(cases) or 'none'}"
        )
    pushed = cases[case]
    address = f"{url.rstrip('/')}/webhooks/{carrier}/{account or carrier}"
    headers = {"content-type": "application/json", **pushed.push.headers}
    try:
        with httpx2.Client(trust_env=False) as client:
            answer = client.post(address, content=pushed.body, headers=headers, params=pushed.push.query)
    except httpx2.HTTPError as error:
        raise click.ClickException(f"{address} cannot be reached: {error}") from None
    say(f"{answer.status_code} {answer.text}")
    if not answer.is_success:
        raise click.exceptions.Exit(1)


def _cases(carrier: str) -> Mapping[str, Case]:
    for package in found(Path("plugins")):
        if package.has_carrier and carrier in [manifest.slug for manifest in package.manifests()]:
            samples = load_samples(package.folder / "samples", carrier)
            return {case.name: case for case in samples.of(Role.PUSH)}
    raise click.ClickException(f"there is no carrier {carrier!r}; doorstep carriers lists them")
