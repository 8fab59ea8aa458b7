"""What a command line says twice: one of them would count, and which is nobody's business to guess."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand


class Once(TyperCommand):
    """A command that refuses an option given twice, and one of several values with the same value twice."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the arguments, as any command.

        Raises
        ------
        ValueError
            Naming the option that stands twice.
        """
        if not ctx.resilient_parsing:
            values, _, given = self.make_parser(ctx).parse_args(args=list(args))
            for option in given:
                name = "/".join(max(ways, key=len) for ways in (option.opts, option.secondary_opts) if ways)
                if not getattr(option, "multiple", option.nargs != 1):
                    if given.count(option) > 1:
                        raise ValueError(f"{name} is given twice; give it once")
                elif option.param_type_name == "option":
                    several = values[option.name]
                    if twice := [one for place, one in enumerate(several) if one in several[:place]]:
                        raise ValueError(f"{name} {twice[0]} is given twice; leave one out")
        return super().parse_args(ctx, args)
