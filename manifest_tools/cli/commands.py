"""What every command of ours does with its arguments."""

from __future__ import annotations

from collections import Counter
from typing import Any

import typer
from typer.core import TyperCommand


class Command(TyperCommand):
    """A command that refuses an option which is given twice where it takes one value.

    The parser would keep the last value and forget the others without a word.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, then see whether the parser came across an option twice."""
        given = list(args)
        rest: list[str] = super().parse_args(ctx, args)
        _, _, met = self.make_parser(ctx).parse_args(args=given)
        option: Any
        for option, times in Counter(met).items():
            takes_one = option.param_type_name == "option" and not (
                option.multiple or option.count or option.is_flag
            )
            if takes_one and times > 1:
                msg = f"{option.opts[0]} is given {times} times, but takes one value; give the one that is meant"
                raise typer.BadParameter(msg, ctx=ctx)
        return rest
