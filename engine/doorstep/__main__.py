"""`python -m doorstep`: the commands, where the script `doorstep` is not on the path."""

from .cli import main

main(prog_name="doorstep")
