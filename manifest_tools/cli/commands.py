"""What every command of ours does with its arguments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from manifest_tools.cli.defaults import defaults
from manifest_tools.cli.log import set_log, set_verbose
from manifest_tools.cli.options import LogFile, Verbose
from manifest_tools.cli.remote import CONNECTION, connection


def told(command: Callable[..., None], *, reaches_s3: bool = False) -> Callable[..., None]:
    """Return a command that can be asked to tell more of its run, and that looks where its options say.

    Parameters
    ----------
    command : callable
        Its options `profile`, `region` and `endpoint_url` are in force for all that it does.
    reaches_s3 : bool
        Add those of the three that it does not have.
    """
    hints = get_type_hints(command, include_extras=True)
    parameters = signature(command).parameters
    more: dict[str, tuple[Any, Any]] = {"verbose": (Verbose, False), "log": (LogFile, None)}
    if reaches_s3:
        more |= {name: (kind, None) for name, kind in CONNECTION.items() if name not in parameters}

    @wraps(command)
    def run(**options: Any) -> None:
        set_verbose(options["verbose"])
        set_log(options["log"])
        with connection(*(options.get(name) for name in CONNECTION)):
            command(**{name: value for name, value in options.items() if name in parameters})

    own = [parameter.replace(annotation=hints[name]) for name, parameter in parameters.items()]
    own += [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in more.items()
    ]
    run.__signature__ = Signature(own)  # type: ignore[attr-defined]
    run.__annotations__ = {**hints, **{name: kind for name, (kind, _) in more.items()}}
    return run


class _Switches:
    """Shows switches in the help without a word for their kind."""

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters, with the option that shows the help."""
        params: Any = super().get_params(ctx)  # type: ignore[misc]
        for option in params:
            if getattr(option, "is_flag", False) and option.metavar is None:
                option.metavar = ""
        return params


class Group(_Switches, TyperGroup):
    """A group of commands."""


class Command(_Switches, TyperCommand):
    """A command that takes from the project file what is not given, and refuses an option which is given twice.

    Of an option that takes one value the parser would keep the last, and forget the others without a word.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, with defaults of the project; then see whether the parser came across an option twice."""
        given, _, met = self.make_parser(ctx).parse_args(args=list(args))
        option: Any
        if not {"--help", "-h"} & set(args) and not ctx.resilient_parsing:
            known = self._defaults(ctx, given)
            ctx.default_map = {**(ctx.default_map or {}), **known}
            for option in self.params:  # what takes any number of arguments takes no default
                if option.param_type_name == "argument" and option.nargs < 0 and not given.get(option.name):
                    args = [*args, "--", *known[option.name]] if option.name in known else args
        rest: list[str] = super().parse_args(ctx, args)
        for option, times in Counter(met).items():
            takes_one = option.param_type_name == "option" and not (
                option.multiple or option.count or option.is_flag
            )
            if takes_one and times > 1:
                msg = f"{option.opts[0]} is given {times} times, but takes one value; give the one that is meant"
                raise typer.BadParameter(msg, ctx=ctx)
        return rest

    def _defaults(self, ctx: Any, given: dict[str, Any]) -> dict[str, Any]:
        """Return the project's values of this command's parameters."""
        group = ctx.parent.info_name if ctx.parent is not None and ctx.parent.parent is not None else None
        names = {option.name: option for option in self.params}
        found = {}
        for name, value in defaults(str(group or ctx.info_name), given).items():
            if name in names:
                several = names[name].nargs != 1 or getattr(names[name], "multiple", False)
                found[name] = [value] if several and not isinstance(value, list) else value
        return found
