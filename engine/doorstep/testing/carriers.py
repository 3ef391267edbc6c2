"""The contract of a carrier's plugin, as tests that say in plain words what is missing and why it matters."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from datetime import timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import msgspec
import pytest

from ..clock import SystemClock
from ..config import Config, Store
from ..errors import AuthRefused, CarrierError, CarrierUnavailable, RateLimited
from ..exchange import Answer, Found, NotFound, Query, Request, Response, replay
from ..expectations import as_json, differences, pushed_as_json
from ..fetch import Fetcher
from ..incoming import Incoming, Verdict
from ..intake import take_in, take_in_pushed
from ..manifest import Ability, AuthKind, Manifest
from ..metrics import Metrics
from ..models import Basis, Precision
from ..packages import Package, found
from ..plugins import Account, State, load_plugins
from ..recognition import Recognizer, normalise
from ..samples import Case, Role, Samples, load_samples
from ..sandbox import Sandbox
from ..secret import Secret
from ..wire import Wire, secrets_of
from .hostile import BODIES, damaged
from .servers import serve

T = TypeVar("T")


class CarrierContract:
    """Subclass it with the name of your package: every test below then runs against your plugin."""

    package: ClassVar[str]

    @classmethod
    def contract_cases(cls, test: str) -> list[Case]:
        roles = {"test_sample_is_read_as_worked_out_by_hand": tuple(_ASKED)}
        return [case for case in _samples(cls.package).cases if case.role in roles.get(test, (Role.PARCEL,))]

    @pytest.fixture(scope="class")
    @classmethod
    def manifest(cls) -> Manifest:
        return _package(cls.package).manifests()[0]

    @pytest.fixture(scope="class")
    @classmethod
    def samples(cls) -> Samples:
        return _samples(cls.package)

    @pytest.fixture(scope="class")
    @classmethod
    def sandbox(cls, samples: Samples) -> Sandbox:
        return Sandbox([samples])

    @pytest.fixture(scope="class")
    @classmethod
    def endpoint(cls, sandbox: Sandbox, samples: Samples) -> Iterator[str]:
        with serve(sandbox.app) as served:
            yield f"{served.url}/{samples.slug}"

    @pytest.fixture(scope="class")
    @classmethod
    def account(cls, samples: Samples, endpoint: str) -> Account:
        return _account(cls.package, samples.settings, endpoint)

    def test_manifest_and_code_table_load(self, manifest: Manifest) -> None:
        codes = _package(self.package).codes()
        assert len(codes) > 0, "codes.toml is empty: no scan of this carrier could be understood"
        assert manifest.docs, "carrier.toml names no docs page: an operator finds no settings"
        assert manifest.link.count("{number}") == 1 or (manifest.aggregator and not manifest.link), (
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
        assert not differences(case.expected, _ASKED[case.role](account, case))

    def test_sample_is_read_without_knowing_the_number(self, case: Case, account: Account) -> None:
        response = Response(case.response.status, case.response.headers, case.body)
        answer = take_in(_replayed(account, "", response), account.carrier.manifest)
        assert isinstance(answer, Found), f"samples/{case.name}: with an empty number, every shipment in it is meant"
        named = case.number.encode() in case.body
        assert all(shipment.number or not named for shipment in answer.shipments), (
            f"samples/{case.name}: the answer has the number, and a shipment has none"
        )

    def test_times_say_what_is_known_and_no_more(self, case: Case, account: Account) -> None:
        response = Response(case.response.status, case.response.headers, case.body)
        answer = take_in(_replayed(account, case.number, response), account.carrier.manifest)
        assert isinstance(answer, Found)
        for moment in [event.moment for shipment in answer.shipments for event in shipment.events]:
            told = f"samples/{case.name}: {moment.raw!r}"
            known = moment.instant is not None
            assert moment.raw or not known, f"samples/{case.name}: a scan has lost the carrier's own text of its time"
            assert known == (moment.basis is not Basis.UNKNOWN), f"{told}: an instant needs the reason why it is known"
            assert moment.precision is not Precision.DAY or not known, f"{told}: a date alone is no instant"
            if known and moment.local and moment.offset:
                there = moment.local.replace(tzinfo=timezone(_offset(moment.offset)))
                assert there == moment.instant, f"{told}: wall clock and offset say another instant"

    def test_what_the_manifest_says_it_can_do_has_a_sample(self, manifest: Manifest, samples: Samples) -> None:
        roles = {
            Ability.TRACK_MANY: Role.BATCH, Ability.REGISTER: Role.REGISTRATION, Ability.DOCUMENT: Role.DOCUMENT,
            Ability.PUSH: Role.PUSH,
        }  # fmt: skip
        for ability in manifest.can:
            assert samples.of(roles[ability]), f"{ability.value}() has no sample with role {roles[ability].value!r}"

    def test_samples_cover_what_every_carrier_does(self, samples: Samples) -> None:
        for role in (Role.PARCEL, Role.NOT_FOUND, Role.RATE_LIMITED, Role.SERVER_ERROR):
            assert samples.of(role), f"no sample with role {role.value!r}: the demo and these tests need one"
        if samples.guarded:
            assert samples.of(Role.UNAUTHORIZED), "the sandbox has a guard but no sample with role 'unauthorized'"

    def test_rate_limit_is_told_apart(self, samples: Samples, account: Account) -> None:
        for case in samples.of(Role.RATE_LIMITED):
            with pytest.raises(RateLimited):
                _ask(account, case.number)

    def test_failing_server_is_told_apart_from_not_found(self, samples: Samples, account: Account) -> None:
        for case in samples.of(Role.SERVER_ERROR):
            with pytest.raises(CarrierUnavailable):
                _ask(account, case.number)

    def test_wrong_credential_is_told_apart(self, samples: Samples, account: Account, endpoint: str) -> None:
        looked_for = " ".join(samples.guard_body)  # a digest is another one each time; who asks is not
        settings = {
            name: f"wrong-{value}" if str(value) in looked_for else _spoilt(account, name, value)
            for name, value in samples.settings.items()
        }
        if settings != samples.settings and samples.guarded:
            account = _account(self.package, settings, endpoint)
            with pytest.raises(AuthRefused):
                _ask(account, samples.of(Role.PARCEL)[0].number)

    def test_expired_credential_is_renewed_once(
        self, manifest: Manifest, samples: Samples, sandbox: Sandbox, account: Account
    ) -> None:
        # With credentials in the body nothing can expire, and a carrier that answers 403 refuses for good.
        refusals = [case.response.status for case in samples.of(Role.UNAUTHORIZED)]
        if samples.guarded and manifest.auth is not AuthKind.BODY and 403 not in refusals:
            sandbox.refuse_tokens(samples.slug)
            assert isinstance(_ask(account, samples.of(Role.PARCEL)[0].number), Found)
            sandbox.refuse_tokens(samples.slug, 2)
            with pytest.raises(AuthRefused):
                _ask(account, samples.of(Role.PARCEL)[0].number)

    @pytest.mark.parametrize("status", [200, 400, 404])
    def test_hostile_answer_is_an_error_and_no_crash(self, status: int, samples: Samples, account: Account) -> None:
        number = samples.of(Role.PARCEL)[0].number
        for what, body in BODIES.items():
            with _only_carrier_errors(f"HTTP {status} with a body that is {what}: {body[:40]!r}"):
                take_in(_replayed(account, number, Response(status, {}, body)), account.carrier.manifest)

    def test_damaged_answer_is_an_error_and_no_crash(self, case: Case, account: Account) -> None:
        for body in damaged(case.body):
            with _only_carrier_errors(f"samples/{case.name}, damaged: {body[:400]!r}"):
                response = Response(case.response.status, case.response.headers, body)
                take_in(_replayed(account, case.number, response), account.carrier.manifest)

    def test_push_is_read_as_worked_out_by_hand(self, samples: Samples, account: Account) -> None:
        for case in samples.of(Role.PUSH):
            assert account.hears, "sandbox.toml: its settings have no push_secret"
            assert account.carrier.verify(case.incoming) is Verdict.GENUINE, f"samples/{case.name} is refused"
            assert case.expected is not None, f"samples/{case.name} has no expected.json: nothing says what is right"
            assert not differences(case.expected, pushed_as_json(take_in_pushed(account.carrier.push(case.incoming))))

    def test_push_of_anybody_else_is_refused(self, samples: Samples, account: Account, endpoint: str) -> None:
        for case in samples.of(Role.PUSH):
            for what, forged in _forged(case):
                assert account.carrier.verify(forged) is Verdict.REFUSED, f"samples/{case.name} with {what} is taken"
            settings = {name: _spoilt(account, name, value) for name, value in samples.settings.items()}
            other = _account(self.package, settings, endpoint)
            assert other.carrier.verify(case.incoming) is Verdict.REFUSED, f"samples/{case.name}: any secret will do"

    def test_hostile_push_is_an_error_and_no_crash(self, samples: Samples, account: Account) -> None:
        for case in samples.of(Role.PUSH):
            for body in (*BODIES.values(), *damaged(case.body)):
                incoming = msgspec.structs.replace(case.incoming, body=body)
                with _only_carrier_errors(f"samples/{case.name}, hostile: {body[:400]!r}"):
                    account.carrier.verify(incoming)
                    take_in_pushed(account.carrier.push(incoming))

    def test_exchange_can_be_left_at_any_step(self, samples: Samples, account: Account) -> None:
        exchange = account.carrier.track(Query(samples.of(Role.PARCEL)[0].number))
        exchange.close()  # before it began
        exchange = account.carrier.track(Query(samples.of(Role.PARCEL)[0].number))
        request = next(exchange)
        exchange.close()  # a RuntimeError here: the exchange yields on, although nobody listens any more
        assert isinstance(request, Request), "track() yields requests: yield Request(…)"

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
    for package in found(Path("plugins")):
        if package.module == module:
            return package
    pytest.fail(
        f"{module!r} is neither in the folder plugins/ nor named by an entry point in the group 'doorstep':"
        " is it installed (pip install -e .)?"
    )


@cache
def _samples(module: str) -> Samples:
    package = _package(module)
    return load_samples(package.folder / "samples", package.manifests()[0].slug)


def _account(module: str, settings: dict[str, Any], endpoint: str) -> Account:
    package = _package(module)
    slug = package.manifests()[0].slug
    account = {"endpoint": endpoint, "strangers": 1.0, "limits": [], **settings}
    config = Config(stores={"main": Store(name="Test")}, carriers={slug: account})
    plugins = load_plugins(config, [package])
    state = plugins.states[slug]
    assert state.state is State.ACTIVE, f"{slug}: {state.reason} ({state.next_step})"
    return plugins.accounts[slug]


def _ask(account: Account, number: str, wire: Wire | None = None) -> Answer:
    return _fetched(lambda fetcher: fetcher.track(account, Query(number), wire=wire))


def _fetched(ask: Callable[[Fetcher], Coroutine[Any, Any, T]]) -> T:
    async def asked() -> T:
        fetcher = Fetcher(clock=SystemClock(), metrics=Metrics())
        try:
            return await ask(fetcher)
        finally:
            await fetcher.aclose()

    return asyncio.run(asked())


def _parcel(account: Account, case: Case) -> Any:
    return as_json(_ask(account, case.number))


def _batch(account: Account, case: Case) -> Any:
    answers = _fetched(lambda fetcher: fetcher.track_many(account, [Query(number) for number in case.numbers]))
    return {number: as_json(answer) for number, answer in answers.items()}


def _registration(account: Account, case: Case) -> Any:
    results = _fetched(lambda fetcher: fetcher.register(account, [Query(number) for number in case.numbers]))
    return {number: as_json(result) for number, result in results.items()}


def _document(account: Account, case: Case) -> Any:
    file = _fetched(lambda fetcher: fetcher.document(account, Query(case.number), case.document))
    if isinstance(file, NotFound):
        return as_json(file)
    return {"media_type": file.media_type, "size": len(file.body), "name": file.name}


_ASKED: dict[Role, Callable[[Account, Case], Any]] = {
    Role.PARCEL: _parcel,
    Role.NOT_FOUND: _parcel,
    Role.BATCH: _batch,
    Role.REGISTRATION: _registration,
    Role.DOCUMENT: _document,
}


def _forged(case: Case) -> Iterator[tuple[str, Incoming]]:
    """The push as somebody would send it who does not have the secret."""
    pushed = case.incoming
    yield "no header and no query", Incoming({}, pushed.body)
    for name, value in pushed.headers.items():
        for wrong in ("", value[:-1], f"{value}, {value}", "é"):
            yield f"{name}: {wrong}", msgspec.structs.replace(pushed, headers={**pushed.headers, name: wrong})
    for name in pushed.query:
        yield f"?{name}=", msgspec.structs.replace(pushed, query={**pushed.query, name: ""})
    if case.push.signed:
        for body in (b"", pushed.body + b" ", pushed.body[:-1], bytes([pushed.body[0] ^ 1]) + pushed.body[1:]):
            yield "another body", msgspec.structs.replace(pushed, body=body)


def _offset(text: str) -> timedelta:
    size = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return -size if text[0] == "-" else size


def _replayed(account: Account, number: str, response: Response) -> Any:
    """What the plugin returns when every one of its requests is answered with `response`."""
    return replay(account.carrier.track(Query(number)), response)


def _spoilt(account: Account, name: str, value: Any) -> Any:
    kept = getattr(account.carrier.settings, name, None)
    is_secret = isinstance(kept, Secret) or (isinstance(kept, tuple) and any(isinstance(one, Secret) for one in kept))
    return f"wrong-{value}" if is_secret else value


__all__ = ["CarrierContract"]
