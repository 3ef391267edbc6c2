"""`doorstep check plugin`: what is wrong with a plugin, by name and place, without asking anybody."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from .config import Config, Store
from .errors import CarrierError, DoorstepError
from .exchange import Query, Response, replay
from .expectations import as_json, differences, pushed_as_json
from .incoming import Verdict
from .intake import take_in, take_in_pushed
from .packages import Package
from .plugins import Account, State, load_plugins
from .quality import Claim, Evidence, Standing, load_quality, unproved
from .samples import Case, Role, Samples, load_samples
from .sandbox import sandbox_accounts, sandbox_of
from .widget_rules import RULES as WIDGET_RULES
from .widget_rules import CannotTry, trials

_PLAYED = (Role.PARCEL, Role.NOT_FOUND)


class Problem(Struct, frozen=True):
    """What is wrong, and what to do about it."""

    message: str
    mend: str = ""


class Report(Struct, frozen=True):
    """One plugin: its problems, what it says of each rule of the quality list, and how many rules widgets have."""

    plugin: str
    problems: tuple[Problem, ...]
    quality: dict[str, Claim] = {}
    rules: int = 0  # of widgets

    @property
    def standing(self) -> dict[Standing, int]:
        counts = Counter(claim.standing for claim in self.quality.values())
        return {standing: counts[standing] for standing in Standing}


def check_plugins(packages: Iterable[Package], names: Sequence[str] = ()) -> list[Report]:
    """A report for each plugin with a carrier's code or a widget: all of them, or those named (by slug or package)."""
    known = {package.name: package for package in packages if package.has_carrier or _may_have_widgets(package)}
    wanted = names or sorted(known)
    by_module = {package.module: package for package in known.values()}
    reports = []
    for name in wanted:
        package = known.get(name) or by_module.get(name)
        if package is None:
            missing = Problem(f"there is no plugin {name!r}", f"there are {', '.join(sorted(known))}")
            reports.append(Report(name, (missing,)))
        elif package.has_carrier:
            reports.append(_report(package))
        else:
            reports.append(_widgets_report(package))
    return reports


def _may_have_widgets(package: Package) -> bool:
    return package.has_code and (package.folder / "templates" / "widgets").is_dir()


def _widgets_report(package: Package) -> Report:
    """Every rule of widgets, on each that the package offers, with its example settings."""
    try:
        problems = [
            Problem(f"{trial.name}: {rule.name}: {problem}")
            for trial in trials(package)
            for rule in WIDGET_RULES
            for problem in rule.problems(trial)
        ]
    except CannotTry as error:
        problems = [Problem(str(error))]
    return Report(package.name, tuple(problems), rules=len(WIDGET_RULES))


def _report(package: Package) -> Report:
    claims: dict[str, Claim] = {}
    problems: list[Problem] = []
    try:
        account, samples = _opened(package)
        problems += [problem for case in samples.cases if case.role in _PLAYED for problem in _played(account, case)]
        problems += [problem for case in samples.of(Role.PUSH) for problem in _pushed(account, case)]
        claims = load_quality(package.folder / "quality.toml")
        problems += _quality_problems(claims, Evidence(package.manifests()[0], len(package.codes()), samples), package)
    except DoorstepError as error:
        problems.append(Problem(error.message, error.next_step))
    return Report(package.name, tuple(problems), claims)


def _opened(package: Package) -> tuple[Account, Samples]:
    """The plugin as the engine loads it, with its sandbox's settings. Raises DoorstepError for what keeps it from that."""
    slug = package.manifests()[0].slug
    samples = load_samples(package.folder / "samples", slug)
    accounts = sandbox_accounts(sandbox_of([package]), "https://sandbox.invalid")
    plugins = load_plugins(Config(stores={"main": Store(name="")}, carriers=accounts, file="the sandbox"), [package])
    state = plugins.states[slug]
    if state.state is not State.ACTIVE:
        raise DoorstepError(f"{slug} is {state.state.value}: {state.reason}", next_step=state.next_step)
    return plugins.accounts[slug], samples


def _played(account: Account, case: Case) -> Iterator[Problem]:
    where = f"samples/{case.name}"
    if case.expected is None:
        yield Problem(f"{where} has no expected.json", "work out by hand what its answer means, and write it down")
        return
    response = Response(case.response.status, case.response.headers, case.body)
    try:
        answer = replay(account.carrier.track(Query(case.number)), response)
        actual = as_json(take_in(answer, account.carrier.manifest))
    except CarrierError as error:
        actual = as_json(error)
    except Exception as error:
        yield Problem(f"{where}: the plugin raised {type(error).__name__}: {error}", "read the answer more tolerantly")
        return
    for line in differences(case.expected, actual):
        yield Problem(f"{where}: {line}", "mend the plugin, or expected.json where that is wrong")


def _pushed(account: Account, case: Case) -> Iterator[Problem]:
    where = f"samples/{case.name}"
    try:
        if account.carrier.verify(case.incoming) is not Verdict.GENUINE:
            yield Problem(f"{where} is refused", "sign it with the push_secret of sandbox.toml, or mend verify()")
        said = pushed_as_json(take_in_pushed(account.carrier.push(case.incoming)))
    except Exception as error:
        yield Problem(f"{where}: the plugin raised {type(error).__name__}: {error}", "read the push more tolerantly")
        return
    for line in differences(case.expected, said):
        yield Problem(f"{where}: {line}", "mend the plugin, or expected.json where that is wrong")


def _quality_problems(claims: dict[str, Claim], evidence: Evidence, package: Package) -> Iterator[Problem]:
    for rule, missing in unproved(claims, evidence).items():
        yield Problem(
            f"{package.module}/quality.toml: {rule} is not done: {missing}", 'add it, or write { todo = "…" }'
        )
