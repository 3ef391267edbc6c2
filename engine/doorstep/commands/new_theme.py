"""`doorstep new theme`."""

from pathlib import Path

import click

from ..scaffold.theme import new_theme

_NEXT = """
Next: theme = "{name}" below [stores.main] in doorstep.toml, then
  doorstep check theme {folder}
  doorstep serve --preview       every page in it, at /_preview/
docs/theme-tutorial.md goes on from here."""


@click.command("theme")
@click.argument("name")
@click.option("--extends", default="classic", show_default=True, help="The theme that it changes.")
@click.option(
    "--into", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Where; here, if not named."
)
def new_theme_command(name: str, extends: str, into: Path) -> None:
    """Write a theme called NAME into themes/NAME, which changes one of each thing that a theme may change."""
    files = new_theme(name, into, extends=extends)
    click.echo("\n".join(str(file) for file in files))
    click.echo(_NEXT.format(name=name, folder=into / "themes" / name), err=True)
