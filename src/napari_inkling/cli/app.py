"""The commands together, and how they end: 0, or one line on stderr and 2."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Annotated, Any

import typer

from napari_inkling.cli.compare import compare
from napari_inkling.cli.console import StoppedError
from napari_inkling.cli.demo import demo
from napari_inkling.cli.evaluate import evaluate
from napari_inkling.cli.guide import guide
from napari_inkling.cli.measure import measure
from napari_inkling.cli.methods import methods
from napari_inkling.cli.predict import predict
from napari_inkling.cli.project_files import export, import_, new
from napari_inkling.cli.train import train
from napari_inkling.cli.weaken import weaken

__all__ = ["app", "main"]

#: Set it to anything to see where an unexpected error came from.
TRACEBACK = "INKLING_TRACEBACK"

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,  # plain help: rich alone takes longer to import than everything else here
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback(invoke_without_command=True)
def inkling(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Find every cell from a few clicks: projects, training, prediction and scores without a window."""
    if version:
        from napari_inkling import __version__

        typer.echo(f"inkling {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _stoppable(command: Callable[..., None]) -> Callable[..., None]:
    """Turn Ctrl-C into an error of ours: typer ends a command with codes of its own."""

    @wraps(command)
    def run(**arguments: Any) -> None:
        try:
            command(**arguments)
        except KeyboardInterrupt as error:
            raise StoppedError("stopped") from error

    return run


for _name, _command in (
    ("demo", demo),
    ("new", new),
    ("import", import_),
    ("weaken", weaken),
    ("train", train),
    ("compare", compare),
    ("predict", predict),
    ("evaluate", evaluate),
    ("guide", guide),
    ("measure", measure),
    ("export", export),
    ("methods", methods),
):
    app.command(_name)(_stoppable(_command))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``inkling`` and return its exit code: 0, or 2 after one line on stderr.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that has no "→" shows a question mark
    command = typer.main.get_command(app)
    given = None if arguments is None else list(arguments)
    try:
        code = command.main(args=given, prog_name="inkling", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of a pipe has seen enough: `inkling methods | head`
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  for the flush at exit
        return 0
    except Exception as error:  # whatever it is, the person gets its reason in one line
        if os.environ.get(TRACEBACK):
            traceback.print_exc()
        typer.echo(f"inkling: {' '.join(_reason(error).split())}", err=True)
        return 2
    return 2 if code else 0


def _reason(error: Exception) -> str:
    """Return why a command failed, in words for a person."""
    from napari_inkling.core import InklingError

    if isinstance(error, InklingError | StoppedError):
        return str(error)
    if isinstance(error, typer.Abort):
        return "stopped"
    if hasattr(error, "format_message"):  # typer's, or click's, depending on typer's version
        context = getattr(error, "ctx", None)
        hint = f" (see {context.command_path} --help)" if context is not None else ""
        return f"{error.format_message().rstrip('.')}{hint}"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror or error}"
    from napari_inkling.workers.failure import describe_error

    return f"{describe_error('command', error).message} (set {TRACEBACK}=1 to see where)"
