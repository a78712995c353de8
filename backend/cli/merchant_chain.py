"""Commands for a merchant's way into the programme: from the pledge to the partner's answer."""

from datetime import datetime
from pathlib import Path

import click

from backend.cli.merchants import merchant_cli
from backend.cli.output import actor_option, phone_option, refusals_as_text, write_private
from backend.domain.applicants import Applicant, AppliedFor, Signature, Tills
from backend.domain.merchant_steps import (
    OFFICE_NAMES,
    STATUS_NAMES,
    STEP_NAMES,
    Confirming,
    Screening,
    Step,
)
from backend.services import (
    approvals,
    merchant_files,
    merchant_reports,
    merchant_steps,
    merchants,
    partner_lists,
    pledges,
)
from backend.services.approvals import Word

READABLE = click.Path(exists=True, dir_okay=False, path_type=Path)
evidence_option = click.option("--evidence", type=READABLE, help="JPEG, PNG or PDF, up to 5 MB.")


def content_of(file: Path | None) -> bytes | None:
    """Return a file's bytes; None for none."""
    return file.read_bytes() if file is not None else None


@merchant_cli.command("pledge-text")
@click.argument("file", type=READABLE, required=False)
@actor_option
@refusals_as_text
def pledge_text(file: Path | None, actor: str) -> None:
    """Issue the pledge's next version from a UTF-8 FILE; without one show the text in force."""
    if file is None:
        found = pledges.current_text()
        click.echo(found.text)
    else:
        found = pledges.issue_text(file.read_text(encoding="utf-8"), actor=actor)
    click.echo(f"承诺书第 {found.version} 版，SHA-256 {found.digest}")


@merchant_cli.command("pledge")
@click.option("--name", required=True)
@click.option("--legal-name", required=True, help="As the business licence says.")
@click.option("--uscc", required=True)
@click.option("--licence-number")
@click.option("--domain", "domain_id", required=True)
@click.option("--area")
@click.option("--address", required=True)
@click.option("--contact", required=True)
@phone_option
@click.option("--text-version", type=int, required=True)
@click.option("--signed-by", required=True)
@click.option("--signed-on", type=click.DateTime(["%Y-%m-%d"]), required=True)
@click.option("--scan", type=READABLE)
@actor_option
@refusals_as_text
def pledge(
    text_version: int,
    signed_by: str,
    signed_on: datetime,
    scan: Path | None,
    actor: str,
    **facts: str,
) -> None:
    """Enter a shop that has signed the pledge; print its number."""
    merchant = pledges.sign(
        Applicant(**facts),
        Signature(text_version=text_version, signed_by=signed_by, signed_on=signed_on.date()),
        scan=content_of(scan),
        actor=actor,
    )
    click.echo(merchant.id)


@merchant_cli.command("pledge-again")
@click.argument("merchant_id")
@click.option("--signed-by", required=True)
@click.option("--signed-on", type=click.DateTime(["%Y-%m-%d"]), required=True)
@click.option("--scan", type=READABLE)
@actor_option
@refusals_as_text
def pledge_again(
    merchant_id: str, signed_by: str, signed_on: datetime, scan: Path | None, actor: str
) -> None:
    """Note that a merchant has signed the pledge in force, after its text changed."""
    made = pledges.sign_again(
        merchant_id,
        signed_by=signed_by,
        signed_on=signed_on.date(),
        text_version=pledges.current_text().version,
        scan=content_of(scan),
        actor=actor,
    )
    click.echo(f"{merchant_id} 已重签承诺书第 {made.text_version} 版")


@merchant_cli.command("apply")
@click.argument("merchant_id")
@click.option("--for", "applied_for", type=click.Choice(["pos", "placard"]), required=True)
@actor_option
@refusals_as_text
def apply(merchant_id: str, applied_for: AppliedFor, actor: str) -> None:
    """Note that a shop has applied for a POS terminal or a placard."""
    pledges.apply(merchant_id, applied_for, actor=actor)
    click.echo(f"{merchant_id} 已申请")


@merchant_cli.command("report")
@click.argument("merchant_id")
@click.option("--merchant-number", required=True)
@click.option("--terminal", "terminals", multiple=True)
@actor_option
@refusals_as_text
def report(merchant_id: str, merchant_number: str, terminals: tuple[str, ...], actor: str) -> None:
    """Report a merchant for its bank."""
    tills = Tills(merchant_number=merchant_number, terminal_numbers=terminals)
    merchant_reports.report(merchant_id, tills, actor=actor)
    click.echo(f"{merchant_id} 已提报")


@merchant_cli.command("report-file")
@click.argument("file", type=READABLE)
@actor_option
@refusals_as_text
def report_file(file: Path, actor: str) -> None:
    """Take a bank's FILE of merchants, CSV or XLSX: whole, or refused with every line."""
    with file.open("rb") as source:
        taken = merchant_reports.take_file(source, file_name=file.name, actor=actor)
    click.echo(taken.merchant_ids)


@merchant_cli.command("confirm")
@click.argument("merchant_id")
@click.option("--office", type=click.Choice(["superior_bank", "bureau"]), required=True)
@actor_option
@refusals_as_text
def confirm(merchant_id: str, office: Confirming, actor: str) -> None:
    """Confirm what the bank reported, for the superior bank or the bureau."""
    approvals.confirm(merchant_id, office=office, actor=actor)
    click.echo(f"{merchant_id} 已由{OFFICE_NAMES[office]}确认")


@merchant_cli.command("screen")
@click.argument("merchant_id")
@click.argument("word", type=click.Choice(["passed", "vetoed", "lifted"]))
@click.option("--office", type=click.Choice(["tax", "market_regulator"]), required=True)
@click.option("--reason")
@evidence_option
@actor_option
@refusals_as_text
def screen(
    merchant_id: str,
    word: Word,
    office: Screening,
    reason: str | None,
    evidence: Path | None,
    actor: str,
) -> None:
    """Let a merchant pass, veto it, or lift the office's own veto."""
    approvals.screen(
        merchant_id,
        word,
        office=office,
        actor=actor,
        reason=reason,
        evidence=content_of(evidence),
    )
    click.echo(f"{merchant_id} {STEP_NAMES[Step(f'{office}_{word}')]}")


@merchant_cli.command("list")
@click.argument("merchant_id")
@actor_option
@refusals_as_text
def put_on_list(merchant_id: str, actor: str) -> None:
    """Put a merchant on the bureau's next list for the partner."""
    approvals.put_on_list(merchant_id, actor=actor)
    click.echo(f"{merchant_id} 已列入名单")


@merchant_cli.command("send")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@actor_option
@refusals_as_text
def send(file: Path, actor: str) -> None:
    """Send all listed merchants to the partner as the next list, and write it to an .xlsx FILE."""
    sent = partner_lists.send(actor=actor)
    with file.open("wb") as out:
        partner_lists.write(sent.number, out)
    click.echo(f"第 {sent.number} 份名单已送金融合作单位")


@merchant_cli.command("answer")
@click.argument("number", type=int)
@click.option("--returned", multiple=True, help="TJ0017=理由; all others pass.")
@actor_option
@refusals_as_text
def answer(number: int, returned: tuple[str, ...], actor: str) -> None:
    """Take the partner's answer to a list."""
    reasons = {}
    for text in returned:
        merchant_id, _, reasons_text = text.partition("=")
        reasons[merchant_id] = reasons_text
    passed, back = partner_lists.answer(number, returned=reasons, actor=actor)
    click.echo(f"通过 {passed} 家，退回 {back} 家")


@merchant_cli.command("show")
@click.argument("merchant_id")
@refusals_as_text
def show(merchant_id: str) -> None:
    """Show where a merchant stands, what it lacks, and its history."""
    merchant = merchants.get(merchant_id)
    click.echo(f"{merchant.id} {merchant.name}\t{STATUS_NAMES[merchant.status]}")
    for missing in merchant_steps.missing(merchant):
        click.echo(f"  还缺：{missing}")
    for row in merchant_steps.history(merchant_id):
        office = OFFICE_NAMES.get(row.office or "", "-")
        evidence = f"\t凭证 {row.evidence_digest}" if row.evidence_digest else ""
        click.echo(
            f"{row.position}\t{row.at:%Y-%m-%d %H:%M}\t{STEP_NAMES[Step(row.step)]}\t{office}\t"
            f"{row.actor}\t{row.reason or '-'}{evidence}"
        )


@merchant_cli.command("file")
@click.argument("merchant_id")
@click.argument("digest")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@actor_option
@refusals_as_text
def file(merchant_id: str, digest: str, file: Path, actor: str) -> None:
    """Write a merchant's kept paper to a private FILE; it is noted who looked."""
    _, content = merchant_files.read(digest, merchant_id=merchant_id, actor=actor)
    write_private(file, content)
    click.echo(str(file))
