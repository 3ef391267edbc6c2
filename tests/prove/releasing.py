"""A release as it would go out: built once, installed and used in a clean environment of every Python that the machine has.

What must hold:

- the wheel and the sdist have the version that stands first in the changelog, and name licence, Python and readme;
- on each Python the wheel installs with the extras of the Containerfile, and finds no package at odds with another;
- the commands there say the version, check the settings of docs/examples/deploy, track a sample and serve a page;
- every package that is installed names its licence, and none of them forbids what Apache-2.0 allows;
- the files of docs/examples/deploy are taken by nginx, Caddy, Prometheus and systemd, where the machine has them.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs" / "examples" / "deploy"
_EXTRAS = "fast,mail,postgres"
_OLDEST = (3, 11)
# Licences that let somebody use, change and pass on Doorstep as its own licence says.
_FREE = re.compile(
    r"Apache|MIT|BSD|ISC|PSF|Python Software Foundation|MPL|Mozilla|Unlicense|0BSD|LGPL|Lesser|Zlib|CC0", re.I
)
_LICENCES = """
import json
from importlib.metadata import distributions
said = {}
for one in distributions():
    meta = one.metadata
    classes = [text.rpartition(" :: ")[2] for text in meta.get_all("Classifier", []) if text.startswith("License")]
    words = meta.get("License-Expression") or ", ".join(classes) or (meta.get("License") or "").strip().partition("\\n")[0]
    said[meta["Name"]] = [one.version, words]
print(json.dumps(said))
"""
_PAGE = """
import re, subprocess, sys, time, urllib.error, urllib.request

def read(address):
    for _ in range(1200):  # the demo says its address a moment before it answers there
        try:
            return urllib.request.urlopen(address, timeout=60).read().decode()
        except urllib.error.URLError:
            time.sleep(0.1)
    raise SystemExit("the demo does not answer")

command = [sys.executable, "-m", "doorstep", "demo", "--port", "0"]
with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
    url = next(found[1] for line in demo.stdout if (found := re.search(r"Open +(http\\S+)/shop/", line)))
    try:
        print(read(f"{url}/shop/?lang=fr"))
    finally:
        demo.terminate()
"""


class Proof(Struct):
    """What was built and where it ran; what is wrong with it: nothing, if it is proved."""

    version: str = ""
    pythons: list[str] = []
    licences: dict[str, str] = {}
    programs: list[str] = []  # that took a file of docs/examples/deploy
    missing: list[str] = []  # that are not on this machine
    problems: list[str] = []

    def must(self, holds: object, otherwise: str) -> None:
        if not holds:
            self.problems.append(otherwise)


def release(wanted: str, seed: int) -> bool:
    """For every Python (`all`), or for one of them, such as `3.13`. Whether it could go out."""
    with tempfile.TemporaryDirectory(prefix="doorstep-release-") as name:
        proof = prove(Path(name), wanted)
    print(f"{proof.version} on Python {', '.join(proof.pythons)}", flush=True)
    print("\n".join(f"  {name}: {words}" for name, words in sorted(proof.licences.items())), flush=True)
    print(f"examples taken by {', '.join(proof.programs)}; not on this machine: {', '.join(proof.missing) or 'none'}")
    print("".join(f"  NOT KEPT  {problem}\n" for problem in proof.problems), end="", flush=True)
    return not proof.problems


def prove(folder: Path, wanted: str) -> Proof:
    proof = Proof()
    wheel = _built(folder, proof)
    for python, version in pythons():
        if wanted not in ("all", version.rpartition(".")[0]):
            continue
        proof.pythons.append(version)
        try:
            _used(wheel, python, folder / f"python-{version}", proof)
        except RuntimeError as error:
            proof.problems.append(f"Python {version}: {error}")
    proof.must(proof.pythons, f"there is no Python {wanted}")
    _taken(folder, proof)
    return proof


def pythons() -> Iterator[tuple[Path, str]]:
    """Every Python of the machine that is new enough, one for each minor version."""
    found: dict[tuple[int, int], tuple[Path, str]] = {}
    places = [Path(place) for place in os.environ["PATH"].split(os.pathsep) if Path(place).is_dir()]
    # A shim of pyenv runs only what is chosen; all that it could choose from lie beside it.
    pyenvs = dict.fromkeys([Path.home() / ".pyenv", *(place.parent for place in places if place.name == "shims")])
    homes = [folder for pyenv in pyenvs for folder in sorted(pyenv.glob("versions/*/bin"))]
    for folder in [*homes, *places]:
        for file in sorted(folder.glob("python3.*")):
            if not re.fullmatch(r"python3\.\d+", file.name):
                continue
            said = subprocess.run(
                [file, "-c", "import sys; print(*sys.version_info[:3])"], capture_output=True, text=True
            )
            number = [int(part) for part in said.stdout.split()] if said.returncode == 0 else [0, 0]
            if (number[0], number[1]) >= _OLDEST:
                found.setdefault((number[0], number[1]), (file, ".".join(map(str, number))))
    yield from (found[minor] for minor in sorted(found))


def _built(folder: Path, proof: Proof) -> Path:
    """The wheel, made from the sdist."""
    checkout = folder / "checkout"
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    checkout.mkdir()
    subprocess.run(["tar", "x"], cwd=checkout, input=archive, check=True)
    _run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist"), str(checkout)], folder)
    (wheel,), (sdist,) = (list((folder / "dist").glob(pattern)) for pattern in ("*.whl", "*.tar.gz"))
    proof.version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    told = re.findall(r"^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    proof.must(told[:1] == [proof.version], f"the changelog begins with {told[:1]}, the version is {proof.version}")
    proof.must(sdist.name == f"doorstep-{proof.version}.tar.gz", f"the sdist is called {sdist.name}")
    with zipfile.ZipFile(wheel) as files:
        (name,) = (one for one in files.namelist() if one.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(files.read(name).decode())
        proof.must(any(one.endswith("licenses/LICENSE") for one in files.namelist()), "the wheel has no licence")
    proof.must(metadata["License-Expression"] == "Apache-2.0", "the licence is not named")
    proof.must(metadata["Requires-Python"] == f">={'.'.join(map(str, _OLDEST))}", "Requires-Python is another one")
    proof.must("# Doorstep" in metadata.get_payload(), "the readme is not the description")
    return wheel


def _used(wheel: Path, python: Path, folder: Path, proof: Proof) -> None:
    """Installed as the Containerfile says, and used away from the checkout."""
    folder.mkdir()
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    _run([str(python), "-m", "venv", "venv"], folder, clean)
    inside = str(folder / "venv" / "bin" / "python")
    _run(
        [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"{wheel}[{_EXTRAS}]"], folder, clean
    )
    _run([inside, "-m", "pip", "check"], folder, clean)
    said = _run([inside, "-m", "doorstep", "--version"], folder, clean)
    proof.must(proof.version in said, f"{python} says {said}")
    (folder / "secrets").mkdir()
    (folder / "secrets" / "doorstep").write_text("0123456789abcdef0123456789abcdef")
    shutil.copy(DEPLOY / "doorstep.toml", folder)
    proof.must("fine" in _run([inside, "-m", "doorstep", "check"], folder, clean), "the settings are not fine")
    (folder / "doorstep.toml").unlink()
    track = [inside, "-W", "error", "-m", "doorstep", "track", "2648701930", "--locale", "de"]
    proof.must("Zugestellt" in _run(track, folder, clean), "a sample is not tracked")
    proof.must('<html lang="fr"' in _run([inside, "-c", _PAGE], folder, clean), "no page in French")
    for name, (version, words) in json.loads(_run([inside, "-c", _LICENCES], folder, clean)).items():
        proof.licences[f"{name} {version}"] = words
        proof.must(_FREE.search(words), f"{name} {version}: licence {words or 'not named'}")


def _taken(folder: Path, proof: Proof) -> None:
    """The files of docs/examples/deploy, as the programs see them that they are for."""
    place = folder / "deploy"
    shutil.copytree(DEPLOY, place)
    key = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run([*key, "-days", "1", "-subj", "/CN=track.shop.example"], cwd=place, capture_output=True, check=False)
    nginx = re.sub(r"/etc/ssl/doorstep/fullchain.pem", str(place / "cert.pem"), (place / "nginx.conf").read_text())
    nginx = nginx.replace("/etc/ssl/doorstep/key.pem", str(place / "key.pem")).replace("/var/log/nginx", str(place))
    (place / "all.conf").write_text(f"pid {place}/nginx.pid;\nevents {{}}\nhttp {{\n{nginx}\n}}\n")
    program = shutil.which("true") or "true"
    for unit in place.glob("*.service"):  # systemd looks whether what is started is there
        unit.write_text(re.sub(r"/srv/doorstep/venv/bin/doorstep", program, unit.read_text()))
    asked = {
        "nginx": ["-t", "-q", "-p", str(place), "-c", str(place / "all.conf")],
        "caddy": ["validate", "--adapter", "caddyfile", "--config", "Caddyfile"],
        "promtool": ["check", "config", "prometheus.yml"],
        "systemd-analyze": ["verify", *(f"./{file.name}" for file in sorted(place.glob("doorstep-*.*")))],
    }
    for name, arguments in asked.items():
        found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
        if found is None:
            proof.missing.append(name)
            continue
        done = subprocess.run([found, *arguments], cwd=place, capture_output=True, text=True, check=False)
        proof.programs.append(name)
        proof.must(done.returncode == 0, f"{name}: {done.stdout}{done.stderr}")


def _run(command: list[str], folder: Path, environ: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)[:200]}: {(done.stdout + done.stderr)[-2000:]}")
    return done.stdout
