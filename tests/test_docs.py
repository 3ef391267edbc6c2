"""The documentation is true: its code runs, its settings load, its commands end as shown, its tables are the code's."""

import asyncio
import importlib
import os
import re
import shlex
import subprocess
import sys
import tomllib
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import structlog
from click.testing import CliRunner
from jinja2 import Environment, meta, nodes

from doorstep import hookspecs
from doorstep.cli import main
from doorstep.codes import load_codes
from doorstep.config import Config, Plugins, Server, Store, parse
from doorstep.context import PageContext
from doorstep.engine import create_engine
from doorstep.letter import LetterContext
from doorstep.locale_rules.language import Glossary
from doorstep.manifest import load_manifest
from doorstep.packages import installed
from doorstep.paths import shipped
from doorstep.plugins import HOOKS, State
from doorstep.rewording import read_files, read_source, reworded
from doorstep.samples import load_samples
from doorstep.themes import load_theme_manifest
from doorstep.widget import WidgetView

from .plugging import forget

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(DOCS.rglob("*.md")),
    *sorted(ROOT.glob("plugins/*/*/README.md")),
]
ENDLESS = {"demo", "serve", "sandbox"}
FENCE = re.compile(r"^```(?P<language>\w*)(?: (?P<name>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
GIVEN = {
    "days.html": {"days"},
    "form.html": {"form"},
    "items.html": {"items"},
    "notice.html": {"said"},
    "parcel.html": {"parcel"},
}  # a part of a page, and what its includer sets for it


class Block(NamedTuple):
    """A fenced block: its language, the file it is (or ""), its text."""

    language: str
    name: str
    text: str


def blocks(page: Path) -> list[Block]:
    found = FENCE.finditer(page.read_text("utf-8"))
    return [Block(one["language"], one["name"] or "", one["text"]) for one in found]


def pages_with(language: str, *, named: bool | None = None) -> list[Any]:
    """The pages that have such blocks, as parameters."""
    return [
        pytest.param(page, id=str(page.relative_to(ROOT)))
        for page in PAGES
        if any(one.language == language and named in (None, bool(one.name)) for one in blocks(page))
    ]


def _generator() -> Any:
    sys.path.insert(0, str(DOCS))
    try:
        return importlib.import_module("generate")
    finally:
        sys.path.remove(str(DOCS))


generate = _generator()


@pytest.fixture
def desk(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Block], None]]:
    """An empty folder to work in, importable from; `desk(block)` puts a block's file there and installs what it names."""
    forget(tmp_path_factory.getbasetemp())  # plugins of other tests have the same names
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in os.environ if name.startswith("DOORSTEP_")]:
        monkeypatch.delenv(name)
    yield _put
    structlog.reset_defaults()
    forget(tmp_path)


def _put(block: Block) -> None:
    if block.name:
        file = Path(block.name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text, "utf-8")
    if file_settings := re.findall(r'^\w+_file = "([^/"][^"]*)"', block.text, re.MULTILINE):
        for name in file_settings:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text("a secret of thirty-two characters or more", "utf-8")
    if block.name == "pyproject.toml":
        _install(tomllib.loads(block.text)["project"])
    importlib.invalidate_caches()


def _install(project: dict[str, Any]) -> None:
    """What `pip install -e .` would leave behind: the distribution's name and its entry points."""
    folder = Path(f"{project['name'].replace('-', '_')}-{project['version']}.dist-info")
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = [f"{name} = {value}" for name, value in project["entry-points"]["doorstep"].items()]
    (folder / "entry_points.txt").write_text("\n".join(["[doorstep]", *lines]))


@pytest.mark.parametrize("page", pages_with("python", named=False))
def test_python_on_the_page_runs(page: Path, desk: Callable[[Block], None]) -> None:
    namespace: dict[str, Any] = {"__name__": "docs"}
    for block in blocks(page):
        desk(block)
        if block.language == "python" and not block.name:
            exec(compile(block.text, str(page), "exec"), namespace)


@pytest.mark.parametrize("page", pages_with("console"))
def test_commands_on_the_page_end_as_shown(page: Path, desk: Callable[[Block], None]) -> None:
    for block in blocks(page):
        desk(block)
        if block.language == "console":
            for command, shown in _commands(block.text):
                _run(command, shown)


def _commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a block, each with the lines of output shown below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, *shown = part.splitlines()
        yield command, [line for line in shown if line.strip() not in ("", "…")]


def _run(command: str, shown: list[str]) -> None:
    program, *arguments = shlex.split(command, comments=True)
    told = re.search(r"# exit code (\d)$", command)
    wanted = int(told[1]) if told else 0
    if program == "./dev":
        assert f"\n{arguments[0]})" in (ROOT / "dev").read_text("utf-8"), command
    elif program == "pytest":
        _run_suite(arguments)
    elif program == "doorstep" and arguments[0] in ENDLESS:
        options = {one for parameter in main.commands[arguments[0]].params for one in parameter.opts}
        assert {one for one in arguments if one.startswith("-")} <= options, command
    else:
        assert program == "doorstep", f"nobody tries out {command!r}"
        result = CliRunner().invoke(main, arguments, prog_name="doorstep")
        assert result.exit_code == wanted, f"{command}: {result.output}"
        printed = [" ".join(line.split()) for line in result.output.splitlines()]
        assert [line for line in shown if " ".join(line.split()) not in printed] == [], result.output


def _run_suite(arguments: list[str]) -> None:
    """The plugin's own tests, as its author runs them."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    path = os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.parametrize("page", pages_with("toml"))
def test_toml_on_the_page_is_read_as_what_it_is(page: Path, desk: Callable[[Block], None]) -> None:
    found = blocks(page)
    for block in found:
        desk(block)
        for command, _ in _commands(block.text) if block.language == "console" else ():
            if command.startswith("doorstep new"):  # what it writes, the page goes on with
                _run(command, [])
    for block in found:
        if block.language == "toml":
            kind = Path(block.name).name or "doorstep.toml"
            READERS[kind](block)


def _read_settings(block: Block) -> None:
    """A whole `doorstep.toml`, or a part of one: a store gets a name, and the engine is put together."""
    raw = tomllib.loads(block.text)
    stores = raw.get("stores", {"main": {}})
    names = "".join(f'\n[stores.{id}]\nname = "Shop"\n' for id, store in stores.items() if "name" not in store)
    environ = {} if "secret_key" in raw or "secret_key_file" in raw else {"DOORSTEP_SECRET_KEY": "k" * 32}
    engine = create_engine(parse(block.text + names, file="doorstep.toml", environ=environ))
    asyncio.run(engine.close())
    assert not engine.plugins.broken
    asked = [one for one in engine.plugins.states.values() if one.accounts]
    assert all(one.state is State.ACTIVE and not one.reason for one in asked), asked
    assert sorted(name for one in asked for name in one.accounts) == sorted(raw.get("carriers", {}))
    assert [problem for shop in engine.shops.all for problem in shop.problems] == []


def _read_theme(block: Block) -> None:
    load_theme_manifest(Path(block.name).parent)


def _read_sample(block: Block) -> None:
    samples = load_samples(Path(block.name).parent.parent, "acme")
    assert Path(block.name).parent.name in [case.name for case in samples.cases]


def _read_sandbox(block: Block) -> None:
    assert load_samples(Path(block.name).parent, "acme").anchor.year


def _read_project(block: Block) -> None:
    for package in tomllib.loads(block.text)["project"]["entry-points"]["doorstep"].values():
        assert package in [one.module for one in installed()]


def _read_words(block: Block) -> None:
    file = Path(block.name)
    reworded([("words", read_files(file.parent))], read_source([shipped("locales")]), (), in_html=frozenset)


READERS: dict[str, Callable[[Block], object]] = {
    "doorstep.toml": _read_settings,
    "carrier.toml": lambda block: load_manifest(block.text, file=block.name),
    "codes.toml": lambda block: load_codes(block.text, file=block.name),
    "theme.toml": _read_theme,
    "case.toml": _read_sample,
    "sandbox.toml": _read_sandbox,
    "pyproject.toml": _read_project,
    "glossary.toml": lambda block: msgspec.convert(tomllib.loads(block.text), Glossary),
    "de.toml": _read_words,
}


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in generate.pages()])
def test_generated_parts_are_in_step(page: Path) -> None:
    text = page.read_text("utf-8")
    assert generate.renewed(text) == text, "run: ./dev run python docs/generate.py"


def test_every_part_is_on_a_page_and_every_meaning_is_used() -> None:
    shown = {found["name"] for page in generate.pages() for found in generate.PART.finditer(page.read_text("utf-8"))}
    assert shown == set(generate.PARTS)
    for part in generate.PARTS.values():
        part()
    assert generate.MEANINGS.unused == set()


def test_a_part_out_of_step_is_written_anew() -> None:
    stale = "before\n<!-- generated: model.flags -->\n| old |\n<!-- end -->\nafter\n"
    fresh = generate.renewed(stale)
    assert "| old |" not in fresh
    assert "| `pickup_point` |" in fresh
    assert fresh.startswith("before\n")
    assert fresh.endswith("<!-- end -->\nafter\n")
    assert generate.renewed(fresh) == fresh


def test_a_field_that_nobody_explains_stops_the_generator() -> None:
    meanings = type(generate.MEANINGS)('[config.Server]\nhost = "where"\n')
    assert meanings.of("config.Server", "host") == "where"
    with pytest.raises(LookupError, match=r"does not say what port of \[config.Server\] means"):
        meanings.of("config.Server", "port")


def links(text: str) -> list[str]:
    """Where the links and pictures of a page lead, code left aside."""
    plain = re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))
    return re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", plain)


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    bad = []
    for link in links(page.read_text("utf-8")):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if "://" in link:
            continue
        if not target.exists() or (anchor and anchor not in anchors(target.read_text("utf-8"))):
            bad.append(link)
    return bad


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
def test_links_and_anchors_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_link_to_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A: b\n\n[ok](#a-b) [gone](#a-c) [none](other.md) `[code](x.md)` [out](https://shop.example/)\n")
    assert broken(page) == ["#a-c", "other.md"]


def test_every_page_is_linked_from_the_index_or_a_page_of_it() -> None:
    reached, ahead = set(), [ROOT / "README.md", DOCS / "index.md"]
    while ahead:
        page = ahead.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            targets = [link.partition("#")[0] for link in links(page.read_text("utf-8")) if "://" not in link]
            ahead += [(page.parent / target).resolve() for target in targets if target]
    assert [page for page in sorted(DOCS.rglob("*.md")) if page not in reached] == []


@pytest.mark.parametrize("page", [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES])
def test_no_page_names_a_path_of_one_machine(page: Path) -> None:
    assert re.findall(r"(?<![\w.])/(?:work|tmp|home|root|usr|opt|Users)/\S*|[A-Z]:\\\S*", page.read_text("utf-8")) == []


def test_every_hook_is_documented_with_its_own_words() -> None:
    text = (DOCS / "hooks.md").read_text("utf-8")
    specified = [name for name, value in vars(hookspecs).items() if hasattr(value, "doorstep_spec")]
    assert specified == list(HOOKS)
    for name in specified:
        assert f"### {name}\n" in text
        assert " ".join(vars(hookspecs)[name].__doc__.split()) in text


@pytest.mark.parametrize("kind", [Config, Server, Plugins, Store], ids=lambda kind: kind.__name__)
def test_every_setting_is_documented(kind: type[msgspec.Struct]) -> None:
    text = (DOCS / "settings.md").read_text("utf-8")
    names = [
        name for name in kind.__struct_encode_fields__ if name not in ("file", "base")
    ]  # where it was read, no settings
    assert [name for name in names if f"| `{name}` |" not in text] == []


def test_every_command_and_option_is_documented() -> None:
    text = (DOCS / "commands.md").read_text("utf-8")
    for name, command in generate.all_commands().items():
        section = text.partition(f"### {name}\n")[2].partition("\n### ")[0]
        assert [
            one for parameter in command.params for one in parameter.opts if one.startswith("-") and one not in section
        ] == []
        assert f"`doorstep {name} " in section


def test_every_route_is_documented() -> None:
    text = (DOCS / "http.md").read_text("utf-8")
    routes = generate.all_routes()
    assert "GET /track/{number}" in routes
    assert [route for route in routes if f"| `{route}` |" not in text] == []


@pytest.mark.parametrize(
    ("kind", "page"),
    [(PageContext, "themes.md"), (WidgetView, "widgets.md"), (LetterContext, "messages-look.md")],
)
def test_everything_a_template_sees_is_documented(kind: type[msgspec.Struct], page: str) -> None:
    text = (DOCS / page).read_text("utf-8") + (DOCS / "themes.md").read_text("utf-8")
    for one in _reachable(kind):
        section = (
            text
            if one in (PageContext, LetterContext)
            else text.partition(f"### {one.__name__}\n")[2].partition("\n### ")[0]
        )
        assert [name for name in one.__struct_fields__ if f"| `{name}` |" not in section] == [], one.__name__


def _reachable(kind: Any) -> set[type[msgspec.Struct]]:
    """The Structs that a template can come to from a value of this type."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        inner = [_reachable(hint) for hint in typing.get_type_hints(kind).values()]
        return {kind}.union(*inner)
    return set().union(*(_reachable(one) for one in typing.get_args(kind)))


def test_bundled_templates_use_documented_names_only() -> None:
    environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    functions = vars(generate.templates())["_environment"].globals
    for file in sorted(ROOT.glob("themes/*/templates/**/*.html")):
        values = LetterContext if "mail" in file.parts else PageContext
        known = {*values.__struct_fields__, *functions}
        tree = environment.parse(file.read_text("utf-8"))
        own = {name for node in tree.find_all(nodes.FromImport) for name in node.names}
        own |= {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"}
        assert meta.find_undeclared_variables(tree) - own - known <= GIVEN.get(file.name, set()), file.name


def test_every_bundled_plugin_has_its_page() -> None:
    for package in installed():
        for manifest in package.manifests():
            assert (ROOT / manifest.docs).is_file(), f"{manifest.slug} names {manifest.docs!r}"
    for folder in ROOT.glob("plugins/widgets/doorstep_*"):
        assert (DOCS / "widgets" / f"{folder.name.removeprefix('doorstep_')}.md").is_file()


@pytest.mark.parametrize("name", ["classic", "minimal", "bold", "themes", "night", "insights", "messages", "mails"])
def test_each_picture_is_small_enough_to_load(name: str) -> None:
    picture = (DOCS / "images" / f"{name}.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n")
    assert len(picture) <= 250_000
