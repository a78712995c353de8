"""Commands for placards: issued, drawn, revoked, printed for many shops at once."""

from collections.abc import Callable
from pathlib import Path

import click
from flask.cli import AppGroup

from backend.cli.output import actor_option, refusals_as_text
from backend.services import placard_batches, placards
from backend.services.placard_batches import Selection
from merchant_qr.sheet import Size

placard_cli = AppGroup("placard", help="Issue, print and revoke placards (码牌).")


@placard_cli.command("issue")
@click.argument("merchant_id")
@actor_option
@refusals_as_text
def issue(merchant_id: str, actor: str) -> None:
    """Issue a merchant's next placard and print its link."""
    click.echo(placards.issue(merchant_id, actor=actor).url)


@placard_cli.command("draw")
@click.argument("merchant_id")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@refusals_as_text
def draw(merchant_id: str, file: Path) -> None:
    """Write a merchant's newest placard to a .png, .svg or .pdf FILE."""
    picture = file.suffix.lstrip(".").lower()
    if picture not in ("png", "svg", "pdf"):
        raise click.BadParameter("wants .png, .svg or .pdf")
    file.write_bytes(placards.draw(merchant_id, picture))  # type: ignore[arg-type]  # checked above
    click.echo(str(file))


@placard_cli.command("reissue")
@click.argument("merchant_id")
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def reissue(merchant_id: str, reason: str, actor: str) -> None:
    """Issue a merchant's next placard, revoke those before it, print the link."""
    click.echo(placards.reissue(merchant_id, actor=actor, reason=reason).url)


@placard_cli.command("revoke")
@click.argument("merchant_id")
@click.argument("serial", type=int)
@click.option("--reason", required=True)
@actor_option
@refusals_as_text
def revoke(merchant_id: str, serial: int, reason: str, actor: str) -> None:
    """Make a placard void at once."""
    placards.revoke(merchant_id, serial, actor=actor, reason=reason)
    click.echo(f"{merchant_id}-{serial} 已停用")


def _selection(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--merchant", "merchant_ids", multiple=True, help="One by its number; again."),
        click.option("--area", default="", help="Of this area alone."),
        click.option("--domain", "domain_id", default="", help="Of this domain alone, by its id."),
    ):
        command = option(command)
    return command


@placard_cli.command("batch")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option("--size", type=click.Choice(["A5", "A6"]), default="A5", show_default=True)
@_selection
@refusals_as_text
def batch(file: Path, size: Size, domain_id: str, area: str, merchant_ids: tuple[str, ...]) -> None:
    """Write the placards of published merchants to a .pdf (a page each) or .zip FILE."""
    form = file.suffix.lstrip(".").lower()
    if form not in ("pdf", "zip"):
        raise click.BadParameter("wants .pdf or .zip")
    selection = Selection(domain_id=domain_id, area=area, merchant_ids=merchant_ids)
    with (
        file.open("wb") as out,
        click.progressbar(length=placard_batches.count(selection), label="码牌") as bar,
    ):
        written = placard_batches.write(
            out,
            selection,
            form="pdf" if form == "pdf" else "zip",
            size=size,
            progress=lambda _: bar.update(1),
        )
    click.echo(f"{file}：{written} 张")
    if without := placard_batches.missing(selection):
        click.echo(f"{len(without)} 家还没有在用的码牌，未印：{'、'.join(without)}", err=True)


@placard_cli.command("issue-missing")
@_selection
@actor_option
@refusals_as_text
def issue_missing(domain_id: str, area: str, merchant_ids: tuple[str, ...], actor: str) -> None:
    """Issue a placard to each published merchant that has none."""
    selection = Selection(domain_id=domain_id, area=area, merchant_ids=merchant_ids)
    click.echo(f"已发放 {placard_batches.issue_missing(selection, actor=actor)} 张")
