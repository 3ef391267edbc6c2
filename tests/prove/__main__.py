"""`./dev prove [PART [HOW MUCH [SEED]]]`: what takes too long for `./dev test`, all of it or one part. Exit code 1: something
promised was not kept."""

import secrets
import sys

from .parts import PARTS


def main(asked: list[str]) -> int:
    name, much, seed = [*asked, "", "", ""][:3]
    if not _can_be_asked(asked, name, much, seed):
        told = [f"  {name:10}{part.proves}: {part.usual} {part.of}" for name, part in PARTS.items()]
        print("\n".join(["usage: ./dev prove [PART [HOW MUCH [SEED]]]", *told]), file=sys.stderr)
        return 2
    with_seed = int(seed or secrets.randbelow(10**6))
    lost = []
    for part in [name] if name else PARTS:
        amount = much or PARTS[part].usual
        print(f"· {PARTS[part].proves}: ./dev prove {part} {amount} {with_seed}", flush=True)
        if not PARTS[part].run(amount, with_seed):
            lost.append(part)
    print(f"not kept: {', '.join(lost)}" if lost else "all is kept")
    return bool(lost)


def _can_be_asked(asked: list[str], name: str, much: str, seed: str) -> bool:
    if len(asked) > 3 or name not in {"", *PARTS}:
        return False
    of_its_kind = not much or much.isdigit() or not PARTS[name].usual.isdigit()
    return of_its_kind and (not seed or seed.isdigit())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
