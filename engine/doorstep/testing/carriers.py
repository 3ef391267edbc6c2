"""The contract of a carrier's plugin, as tests that say in plain words what is missing and why it matters."""

import asyncio
import json
from collections.abc import Iterator
from functools import cache
from typing import Any, ClassVar

import msgspec
import pytest

from ..clock import SystemClock
from ..config import Config, Store
from ..errors import AuthRefused, CarrierError, CarrierUnavailable, RateLimited
from ..exchange import Answer, Found, NotFound, Query, Response
from ..fetch import MOST_STEPS, Fetcher
from ..intake import take_in
from ..manifest import Manifest
from ..metrics import Metrics
from ..packages import Package, installed
from ..plugins import Account, State, load_plugins
from ..recognition import Recognizer, normalise
from ..samples import Case, Role, Samples, load_samples
from ..sandbox import Sandbox
from ..wire import Wire, secrets_of
from .servers import serve

HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "truncated": b'{"shipments": [{"id": "1", "events": [{"time',
    "html": b"<!doctype html><title>Sorry</title><p>We will be back soon.",
    "null": b"null",
    "number": b"17",
    "list": b"[]",
    "empty object": b"{}",
    "deep": b"[" * 5000 + b"]" * 5000,
    "not a number": b'{"value": NaN}',
    "huge number": b'{"value": ' + b"9" * 5000 + b"}",
    "wrong encoding": '{"text": "é"}'.encode("latin-1"),
    "xml bomb": b'<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>',
}

WRONG: tuple[Any, ...] = (None, 17, "x", [], {})


class CarrierContract:
    """Subclass it with the name of your package: every test below then runs against your plugin."""

    package: ClassVar[str]

    @classmethod
    def contract_cases(cls, test: str) -> list[Case]:
        roles = {"test_sample_is_read_as_worked_out_by_hand": (Role.PARCEL, Role.NOT_FOUND)}
        return [case for case in _samples(cls.package).cases if case.role in roles.get(test, (Role.PARCEL,))]

    @pytest.fixture
    def manifest(self) -> Manifest:
        return _package(self.package).manifests()[0]

    @pytest.fixture
    def samples(self) -> Samples:
        return _samples(self.package)

    @pytest.fixture
    def sandbox(self, samples: Samples) -> Sandbox:
        return Sandbox([samples])

    @pytest.fixture
    def endpoint(self, sandbox: Sandbox, samples: Samples) -> Iterator[str]:
        with serve(sandbox.app) as served:
            yield f"{served.url}/{samples.slug}"

    @pytest.fixture
    def account(self, samples: Samples, endpoint: str) -> Account:
        return _account(self.package, samples.settings, endpoint)

    def test_manifest_and_code_table_load(self, manifest: Manifest) -> None:
        codes = _package(self.package).codes()
        assert len(codes) > 0, "codes.toml is empty: no scan of this carrier could be understood"
        assert manifest.docs, "carrier.toml names no docs page: an operator finds no settings"
        assert manifest.link.count("{number}") == 1, (
            "carrier.toml: link needs {number} once, for the carrier's own page"
        )

    def test_every_format_has_examples_that_are_recognised(self, manifest: Manifest) -> None:
        recognizer = Recognizer([manifest])
        for number_format in manifest.formats:
            assert number_format.examples, f"format {number_format.name!r} has no example, so nobody can tell it works"
            for example in number_format.examples:
                found = [c.carrier for c in recognizer.candidates(normalise(example))]
                assert found == [manifest.slug], f"{example} of format {number_format.name!r} is not recognised"

    def test_sample_is_read_as_worked_out_by_hand(self, case: Case, account: Account) -> None:
        assert case.expected is not None, f"samples/{case.name} has no expected.json: nothing says what is right"
        answer = _ask(account, case.number)
        assert not differences(case.expected, as_json(answer), "$")

    def test_samples_cover_what_every_carrier_does(self, samples: Samples) -> None:
        for role in (Role.PARCEL, Role.NOT_FOUND, Role.RATE_LIMITED, Role.SERVER_ERROR):
            assert samples.of(role), f"no sample with role {role.value!r}: the demo and these tests need one"
        if samples.guard:
            assert samples.of(Role.UNAUTHORIZED), "the sandbox has a guard but no sample with role 'unauthorized'"

    def test_rate_limit_is_told_apart(self, samples: Samples, account: Account) -> None:
        for case in samples.of(Role.RATE_LIMITED):
            with pytest.raises(RateLimited):
                _ask(account, case.number)

    def test_failing_server_is_told_apart_from_not_found(self, samples: Samples, account: Account) -> None:
        for case in samples.of(Role.SERVER_ERROR):
            with pytest.raises(CarrierUnavailable):
                _ask(account, case.number)

    def test_wrong_credential_is_told_apart(self, samples: Samples, endpoint: str) -> None:
        settings = {name: _spoilt(value) for name, value in samples.settings.items()}
        if settings != samples.settings and samples.guard:
            account = _account(self.package, settings, endpoint)
            with pytest.raises(AuthRefused):
                _ask(account, samples.of(Role.PARCEL)[0].number)

    def test_expired_credential_is_renewed_once(self, samples: Samples, sandbox: Sandbox, account: Account) -> None:
        if samples.guard:
            sandbox.refuse_tokens(samples.slug)
            assert isinstance(_ask(account, samples.of(Role.PARCEL)[0].number), Found)
            sandbox.refuse_tokens(samples.slug, 2)
            with pytest.raises(AuthRefused):
                _ask(account, samples.of(Role.PARCEL)[0].number)

    @pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
    @pytest.mark.parametrize("status", [200, 400, 404])
    def test_hostile_answer_is_an_error_and_no_crash(self, status: int, body: bytes, account: Account) -> None:
        number = _samples(self.package).of(Role.PARCEL)[0].number
        with _only_carrier_errors(f"HTTP {status} with {body[:40]!r}"):
            take_in(_replayed(account, number, Response(status, {}, body)), account.carrier.manifest)

    def test_wrong_types_anywhere_are_an_error_and_no_crash(self, case: Case, account: Account) -> None:
        for damaged in _damaged(case.body):
            with _only_carrier_errors(f"samples/{case.name} with a value of the wrong type"):
                response = Response(case.response.status, case.response.headers, damaged)
                take_in(_replayed(account, case.number, response), account.carrier.manifest)

    def test_nothing_is_kept_between_questions(self, samples: Samples, account: Account) -> None:
        case = samples.of(Role.PARCEL)[0]
        before = dict(vars(account.carrier))
        first = _ask(account, case.number)
        assert _ask(account, case.number) == first
        assert vars(account.carrier) == before, "the carrier object changed: one shopper's parcel could reach another"

    def test_secrets_stay_out_of_the_wire_log(self, samples: Samples, account: Account) -> None:
        wire = Wire()
        _ask(account, samples.of(Role.PARCEL)[0].number, wire)
        text = "\n".join(wire.lines())
        assert text
        for secret in secrets_of(account.carrier.settings):
            assert secret.reveal() not in text, "a secret setting shows in the wire log"


def as_json(answer: Answer) -> dict[str, Any]:
    """An answer as JSON values, the shape of `expected.json`."""
    if isinstance(answer, NotFound):
        return {"not_found": True}
    shipments: list[Any] = json.loads(msgspec.json.encode(answer.shipments))
    return {"shipments": shipments}


def differences(expected: Any, actual: Any, path: str) -> list[str]:
    """Where `actual` does not have what `expected` says. Objects are compared by the keys expected; lists in full."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return [
            line
            for key, value in expected.items()
            for line in (
                differences(value, actual[key], f"{path}.{key}") if key in actual else [f"{path}.{key} is missing"]
            )
        ]
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [
            line
            for i, (one, other) in enumerate(zip(expected, actual, strict=True))
            for line in differences(one, other, f"{path}[{i}]")
        ]
    return [] if expected == actual else [f"{path}: expected {expected!r}, got {actual!r}"]


class _only_carrier_errors:  # reads as a sentence where it is used
    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if error is not None and not isinstance(error, CarrierError):
            pytest.fail(f"{self._what}: {type(error).__name__}: {error}. Raise ProtocolError, or read it tolerantly.")
        return error is not None


@cache
def _package(module: str) -> Package:
    for package in installed():
        if package.module == module:
            return package
    pytest.fail(f"no entry point in the group 'doorstep' names {module!r}: is the plugin installed (pip install -e .)?")


@cache
def _samples(module: str) -> Samples:
    package = _package(module)
    return load_samples(package.folder / "samples", package.manifests()[0].slug)


def _account(module: str, settings: dict[str, Any], endpoint: str) -> Account:
    package = _package(module)
    slug = package.manifests()[0].slug
    config = Config(stores={"main": Store(name="Test")}, carriers={slug: {"endpoint": endpoint, **settings}})
    plugins = load_plugins(config, [package])
    state = plugins.states[slug]
    assert state.state is State.ACTIVE, f"{slug}: {state.reason} ({state.next_step})"
    return plugins.accounts[slug]


def _ask(account: Account, number: str, wire: Wire | None = None) -> Answer:
    async def ask() -> Answer:
        fetcher = Fetcher(clock=SystemClock(), metrics=Metrics())
        try:
            return await fetcher.track(account, Query(number), wire=wire)
        finally:
            await fetcher.aclose()

    return asyncio.run(ask())


def _replayed(account: Account, number: str, response: Response) -> Any:
    """What the plugin returns when every one of its requests is answered with `response`."""
    exchange = account.carrier.track(Query(number))
    try:
        next(exchange)
        for _ in range(MOST_STEPS):
            exchange.send(response)
    except StopIteration as end:
        return end.value
    finally:
        exchange.close()
    return NotFound()


def _damaged(body: bytes) -> Iterator[bytes]:
    """The body again and again, each time with another value replaced by one of another type (JSON bodies only)."""
    try:
        tree = json.loads(body)
    except ValueError:
        return
    spots = list(_spots(tree))
    for container, key in spots[:60]:
        kept = container[key]
        for wrong in WRONG:
            container[key] = wrong
            yield json.dumps(tree).encode()
        container[key] = kept


def _spots(tree: Any) -> Iterator[tuple[Any, Any]]:
    keys: Any = tree.keys() if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in list(keys):
        yield tree, key
        yield from _spots(tree[key])


def _spoilt(value: Any) -> Any:
    return f"wrong-{value}" if isinstance(value, str) else value


__all__ = ["CarrierContract", "as_json", "differences"]
