"""A coverage-guided fuzzer on each parser for its share of the time, beginning with the corpus beside this file.

    python -m tests.prove.fuzzing TARGET FOLDER… -max_total_time=60 -seed=1     one target, with libFuzzer's own options

What breaks a promise is printed in base64, to be put under corpus/TARGET/ once it is mended: tests/test_parsers.py
plays the whole corpus through every parser.
"""

import subprocess
import sys
import tempfile
from base64 import b64encode
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
_LARGEST = 2048  # bytes of an input: mistakes are in the grammar, not in the length


def fuzz(minutes: float, seed: int) -> list[str]:
    """What was found, a paragraph each. Every target has the same share of the time."""
    targets = sorted(folder.name for folder in CORPUS.iterdir() if folder.is_dir())
    seconds = max(1, round(minutes * 60 / len(targets)))
    return [found for target in targets if (found := _fuzzed(target, seconds, seed))]


def _fuzzed(target: str, seconds: int, seed: int) -> str:
    with tempfile.TemporaryDirectory(prefix="doorstep-fuzz-") as name:
        new, broken = Path(name) / "new", Path(name) / "broken"
        new.mkdir()
        broken.mkdir()
        command = [sys.executable, "-m", __spec__.name, target, str(new), str(CORPUS / target)]
        options = [
            f"-max_total_time={seconds}", f"-seed={seed + 1}", f"-max_len={_LARGEST}", f"-artifact_prefix={broken}/",
            "-timeout=20", "-print_final_stats=1",
        ]  # fmt: skip
        done = subprocess.run([*command, *options], capture_output=True, text=True, errors="replace", check=False)
        inputs = [f"{file.name}: {b64encode(file.read_bytes()).decode()}" for file in sorted(broken.iterdir())]
        print(f"{target}: {_told(done.stderr)}, {len(list(new.iterdir()))} new inputs", flush=True)
    if done.returncode == 0:
        return ""
    _, _, failure = done.stdout.partition(" === Uncaught Python exception: ===")
    return "\n".join([target, *inputs, *(failure or done.stderr).splitlines()[-30:]])


def _told(output: str) -> str:
    """How many inputs were tried."""
    stats = [line.split() for line in output.splitlines() if line.startswith("stat::number_of_executed_units")]
    return f"{stats[0][1]} inputs" if stats else "it broke"


def _run(target: str, arguments: list[str]) -> None:
    """Never returns: libFuzzer ends the process."""
    import atheris  # wheels are there for Linux only

    with atheris.instrument_imports(include=["doorstep"]):
        from .parsers import TARGETS  # instrumented while it is imported

    atheris.Setup([sys.argv[0], *arguments], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    _run(sys.argv[1], sys.argv[2:])
