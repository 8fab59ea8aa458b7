"""What no command line may hold: an option given twice, of which one would count, and an empty value.

An empty path would be the folder where one stands, and is mostly a variable of a shell that was never set.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand


class Command(TyperCommand):
    """A command that refuses an option given twice, one value of several given twice, and empty values."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the arguments, as any command.

        Raises
        ------
        ValueError
            Naming the option or the argument.
        """
        if not ctx.resilient_parsing:
            values, _, given = self.make_parser(ctx).parse_args(args=list(args))
            for one in given:
                value, is_option = values[one.name], one.param_type_name == "option"
                several = list(value) if isinstance(value, list | tuple) else [value]
                name = _name(one) if is_option else one.name.upper()
                if "" in several:
                    raise ValueError(f"{name} is empty; say what is meant" + ", or leave it out" * is_option)
                if is_option and not one.multiple and given.count(one) > 1:
                    raise ValueError(f"{name} is given twice; give it once")
                if is_option and (twice := [v for place, v in enumerate(several) if v in several[:place]]):
                    raise ValueError(f"{name} {twice[0]} is given twice; leave one out")
        return super().parse_args(ctx, args)


def _name(option: Any) -> str:
    """Long name of an option, with that of its contrary."""
    return "/".join(max(ways, key=len) for ways in (option.opts, option.secondary_opts) if ways)
