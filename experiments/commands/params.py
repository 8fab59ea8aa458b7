"""``iqa params``: what ``params.yaml`` is, what was written into it by hand, and keeping that or not."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    profile: Annotated[
        str | None, typer.Option(help="Compose params.yaml anew from this profile of experiments/profile/.")
    ] = None,
    ablation: Annotated[
        str, typer.Option(help="With --profile: an ablation of experiments/ablation/.")
    ] = "none",
    keep: Annotated[
        bool, typer.Option("--keep", help="Move what was written by hand into experiments/local.yaml.")
    ] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Forget what was written by hand.")] = False,
) -> None:
    """Say which profile and ablation params.yaml is, and what differs from them; come back to a profile.

    `dvc exp run -S ...` composes the file anew, and leaves it so: `iqa params --profile demo` brings it back.
    What was written by hand is never lost without `--drop`.
    """
    from experiments import settings as settings_of
    from experiments.settings import own_entries
    from experiments.settings.ablations import MISSING, ablation_of

    if keep and drop:
        raise ValueError("--keep or --drop, not both")
    if ablation != "none" and profile is None and not drop:
        raise ValueError(f"--ablation {ablation} goes with --profile: name the profile that it changes")
    if profile is not None and drop:  # what is in the file does not matter, not even whether it is at fault
        _compose(profile, ablation)
        return
    settings = settings_of.load()
    found = own_entries.by_hand()
    if keep:
        own_entries.keep(found)
        typer.echo(f"{own_entries.LOCAL}: {own_entries.names(found) or 'nothing to move'}")
    elif profile is not None:
        own_entries.check()
    if profile is not None or drop:
        _compose(profile or settings.profile, ablation)
        return
    if not keep:
        ablations = ", ".join(ablation_of(settings)) or "none"
        typer.echo(f"profile {settings.profile}, ablation {ablations}")
        for place, value in found.items():
            said = "taken out" if value is MISSING else value
            typer.echo(f"  by hand  {own_entries.names([place])}: {said}")


def _compose(profile: str, ablation: str) -> None:
    """Compose the settings anew; an unknown profile or ablation is named with what was meant."""
    from experiments import settings as settings_of
    from experiments.settings import compose

    compose.profile_settings(profile)
    compose.check_ablation(ablation)
    compose.write(f"profile={profile}", f"ablation={ablation}")
    typer.echo(f"{settings_of.PARAMS}: profile {profile}, ablation {ablation}")
