"""The published list (公布名单): its versions, their differences, and the next publication."""

from typing import TYPE_CHECKING, Annotated

from flask import Response, render_template, request
from pydantic import Field

from backend.domain.merchant_steps import Step
from backend.domain.permissions import Permission
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done
from backend.edge.console.cells import Link
from backend.edge.console.tables import Column, Filter, Table
from backend.services import merchant_lists, merchant_work
from backend.services.listings import Listing

if TYPE_CHECKING:
    from backend.services.merchant_lists import VersionRow
    from backend.storage.models.merchants import MerchantListEntry

blueprint = ConsoleBlueprint("merchant_lists", __name__)


class EntryFilter(Filter):
    """Which version, by default the one in force, and whom of it."""

    version: Annotated[str, Field(title="版次（空为现行版）", pattern="^[1-9][0-9]{0,5}$|^$")] = ""
    name: Annotated[str, Field(title="商户名称", max_length=60)] = ""


class Since(Filter):
    """The version that another is compared with; by default the one before it."""

    since: Annotated[str, Field(title="对比版次", pattern="^[1-9][0-9]{0,5}$|^$")] = ""


def _find(_: Filter) -> "Listing[VersionRow]":
    return merchant_lists.versions()


def _find_entries(wanted: EntryFilter) -> "Listing[MerchantListEntry]":
    return merchant_lists.entries(number=_number(wanted.version), name=wanted.name)


def _number(text: str) -> int | None:
    return int(text) if text else None


VERSIONS: "Table[VersionRow]" = Table(
    name="merchant_list_versions",
    title="公布名单",
    permission=Permission.MERCHANTS_READ,
    filter=Filter,
    find=_find,
    columns=(
        Column(
            "版次",
            lambda row: Link(
                f"第 {row.version.number} 版",
                "merchant_lists.version",
                {"number": row.version.number},
            ),
        ),
        Column("商户（家）", lambda row: row.merchants),
        Column("公布时间", lambda row: row.version.published_at),
        Column("公布人", lambda row: row.version.published_by),
        Column("校验值（SHA-256）", lambda row: row.version.digest, width=66),
    ),
)
ENTRIES: "Table[MerchantListEntry]" = Table(
    name="merchant_list_entries",
    title="公布名单商户",
    permission=Permission.MERCHANTS_READ,
    filter=EntryFilter,
    find=_find_entries,
    columns=(
        Column(
            "编号", lambda e: Link(e.merchant_id, "merchants.one", {"merchant_id": e.merchant_id})
        ),
        Column("商户名称", lambda e: e.name, width=30),
        Column("领域", lambda e: dict(merchant_work.domains())[e.domain_id]),
        Column("区域", lambda e: e.area),
        Column("版次", lambda e: e.version),
    ),
)


@blueprint.get("/merchant-lists")
@permitted(VERSIONS.permission)
def page() -> Response | str:
    """List the versions; above them what the next one would change."""
    return VERSIONS.answer(
        "console/merchant_lists.html",
        preview=merchant_lists.preview(),
        domains=dict(merchant_work.domains()),
        waiting=merchant_work.counts([Step.PUBLISHED])[Step.PUBLISHED],
    )


@blueprint.get("/merchant-lists/entries")
@permitted(ENTRIES.permission)
def entries() -> Response | str:
    """List whom a version names."""
    return ENTRIES.answer("console/merchant_list_entries.html")


@blueprint.get("/merchant-lists/<int:number>")
@permitted(Permission.MERCHANTS_READ)
def version(number: int) -> str:
    """Show what a version changed against the one before it, or against `?since=`."""
    since = _number(Since.read(request.args).since)
    return render_template(
        "console/merchant_list_version.html",
        number=number,
        since=since,
        changes=merchant_lists.changes(number, since=since),
        domains=dict(merchant_work.domains()),
        numbers=[v.number for v in merchant_lists.list_publications() if v.number != number],
    )


@blueprint.post("/merchant-lists")
@permitted(Permission.MERCHANTS_PUBLISH)
def publish() -> Response:
    """Publish the list that was looked at."""
    published = merchant_lists.publish(
        actor=current_staff().name, expecting=request.form.get("digest", "")
    )
    return done(
        f"已公布第 {published.number} 版，共 {len(published.merchants)} 家商户",
        "merchant_lists.version",
        number=published.number,
    )
