"""The published merchant list (plan, part seven: 参与商户名单对外公布), for people and programs."""

import unicodedata
from collections import Counter
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response, render_template, request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from backend.domain.errors import NotFound
from backend.edge.public import pages, words
from backend.edge.public.fields import Digits
from backend.services import merchant_lists
from backend.services.merchant_lists import ListedMerchant, Publication

blueprint = APIBlueprint("merchant_list", __name__, tag="公开 public")
blueprint.after_request(pages.dress)

PAGE_SIZE = 50  # of the page for people
DAY_S = 24 * 3600
MAX_VERSION = 2_147_483_647  # what the column holds


class Filter(BaseModel):
    """Which part of the list is wanted; what else an address carries (WeChat adds its own) is
    ignored. The empty text is no wish."""

    domain: Annotated[
        str, Field(pattern=r"^[A-Z0-9-]{0,32}$", description="领域编号，如 FOOD；空为全部")
    ] = ""
    area: Annotated[
        str,
        Field(pattern=r"^[^\x00-\x1f\x7f]{0,64}$", description="区域，如 东北亚广场；空为全部"),
    ] = ""
    q: Annotated[
        str,
        Field(pattern=r"^[^\x00-\x1f\x7f]{0,50}$", description="名称或编号中的文字，最多50字"),
    ] = ""


class PageWanted(Filter):
    """The same, by pages; an address that people pass on may carry more."""

    page: Annotated[int, Field(ge=1, le=100_000, description="页码，从1开始"), Digits] = 1


class Query(Filter):
    """The same, by pages, and nothing that is not asked for."""

    model_config = ConfigDict(extra="forbid")
    page: Annotated[int, Field(ge=1, le=100_000, description="页码，从1开始"), Digits] = 1
    page_size: Annotated[int, Field(ge=1, le=100, description="每页条数"), Digits] = 20


class Compared(BaseModel):
    """Which version a version is compared with; an address that people pass on may carry more."""

    since: (
        Annotated[
            int, Field(ge=1, le=MAX_VERSION, description="与哪一版比较；不写为上一版"), Digits
        ]
        | None
    ) = None


class Since(Compared):
    """The same, and nothing that is not asked for."""

    model_config = ConfigDict(extra="forbid")


class MerchantFacts(BaseModel):
    """名单中的一家商户。"""

    merchant_id: str
    name: str
    domain_id: str
    domain_name: str
    area: str | None


class VersionFacts(BaseModel):
    """名单的一版，公布后不再改动；digest 为内容的 SHA-256。"""

    number: int
    published_at: AwareDatetime
    digest: str


class Versions(BaseModel):
    """名单的全部版本，新的在前。"""

    versions: list[VersionFacts]


class MerchantPage(BaseModel):
    """现行名单中符合条件的商户；total 为符合条件的总数。"""

    version: VersionFacts
    programme_name: str
    total: int
    page: int
    page_size: int
    merchants: list[MerchantFacts]


class DifferenceFacts(BaseModel):
    """与上一版（或 since 所指的一版）相比新增、移出、变更的商户编号。"""

    added: list[str]
    removed: list[str]
    changed: list[str]


class VersionInFull(BaseModel):
    """名单的一版全文，及与另一版（默认上一版）的差异。"""

    version: VersionFacts
    programme_name: str
    merchants: list[MerchantFacts]
    difference: DifferenceFacts


@blueprint.get("/merchants")
@blueprint.input(PageWanted, location="query")
@blueprint.doc(responses=pages.document("参与商户名单", "text/html"))
def merchants_page(query_data: PageWanted) -> str:
    """参与商户名单，可按领域、区域和名称筛选。"""
    versions = merchant_lists.list_publications()
    if not versions:
        return render_template("not_yet.html", what="参与商户名单")
    published = merchant_lists.publication()
    matching = _matching(published, query_data)
    start = (query_data.page - 1) * PAGE_SIZE
    return render_template(
        "merchant_list.html",
        published=published,
        published_text=words.moment(published.published_at),
        merchants=matching[start : start + PAGE_SIZE],
        total=len(matching),
        page=query_data.page,
        pages=-(-len(matching) // PAGE_SIZE),
        domains=_domains(published),
        areas=sorted({m.area for m in published.merchants if m.area}),
        chosen=query_data,
        versions=[(v.number, words.moment(v.published_at)) for v in versions],
    )


@blueprint.get("/merchants/versions/<int:number>")
@blueprint.input(Compared, location="query")
@blueprint.doc(responses=pages.document("名单的一版", "text/html"))
def version_page(number: int, query_data: Compared) -> str:
    """名单的一版，及与上一版或 since 所指版本的差异。"""
    since = query_data.since or number - 1
    published = _published(number, since=query_data.since)
    names = _names(published)
    if published.difference.removed:  # their names stand in the other version
        names = _names(merchant_lists.publication(since)) | names
    return render_template(
        "merchant_list_version.html",
        published=published,
        published_text=words.moment(published.published_at),
        names=names,
        since=since,
        others=[v.number for v in merchant_lists.list_publications() if v.number != number],
    )


@blueprint.get("/merchants/versions/<path:text>")
@blueprint.doc(hide=True)
def no_version(text: str) -> str:
    """Answer what is no version's number with a page, not with JSON."""
    raise NotFound(f"{len(text)} characters that are no version")


@blueprint.get("/merchants.csv")
@blueprint.doc(responses=pages.document("现行名单，UTF-8，可用 Excel 打开", "text/csv"))
def csv_file() -> Response:
    """现行名单的表格文件。"""
    return _csv(merchant_lists.publication(), kept_s=60)


@blueprint.get("/merchants/versions/<int:number>.csv")
@blueprint.doc(responses=pages.document("名单的一版，UTF-8，可用 Excel 打开", "text/csv"))
def version_csv(number: int) -> Response:
    """名单的一版的表格文件；公布后不再改动。"""
    return _csv(_published(number), kept_s=DAY_S)


@blueprint.get("/api/v1/merchants")
@blueprint.input(Query, location="query")
@blueprint.output(MerchantPage)
def list_merchants(query_data: Query) -> dict[str, object]:
    """现行名单中的商户，可按领域、区域和名称筛选。"""
    published = merchant_lists.publication()
    matching = _matching(published, query_data)
    start = (query_data.page - 1) * query_data.page_size
    return {
        "version": _version_facts(published),
        "programme_name": published.programme_name,
        "total": len(matching),
        "page": query_data.page,
        "page_size": query_data.page_size,
        "merchants": [vars(m) for m in matching[start : start + query_data.page_size]],
    }


@blueprint.get("/api/v1/merchants/versions")
@blueprint.output(Versions)
def list_versions() -> dict[str, object]:
    """名单的全部版本。"""
    return {"versions": [_version_facts(v) for v in merchant_lists.list_publications()]}


@blueprint.get("/api/v1/merchants/versions/<int:number>")
@blueprint.input(Since, location="query")
@blueprint.output(VersionInFull)
def get_version(number: int, query_data: Since) -> dict[str, object]:
    """名单的一版全文，及与上一版或 since 所指版本的差异。"""
    published = _published(number, since=query_data.since)
    return {
        "version": _version_facts(published),
        "programme_name": published.programme_name,
        "merchants": [vars(m) for m in published.merchants],
        "difference": vars(published.difference),
    }


def _csv(published: Publication, *, kept_s: int) -> Response:
    """Answer a version as CSV, or 304 to whoever has these very bytes."""
    response = Response(merchant_lists.as_csv(published), content_type="text/csv; charset=utf-8")
    name = f"merchants-v{published.number}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = f"public, max-age={kept_s}"
    response.add_etag()
    response.make_conditional(request)
    return response


def _published(number: int, *, since: int | None = None) -> Publication:
    if number > MAX_VERSION:  # the database would refuse it as a value, not as unknown
        raise NotFound(f"no version {number}")
    return merchant_lists.publication(number, since=since)


def _version_facts(version: Any) -> dict[str, object]:
    """Both a publication and a version's row carry the three facts."""
    return {
        "number": version.number,
        "published_at": version.published_at,
        "digest": version.digest,
    }


def _matching(published: Publication, wanted: Filter) -> list[ListedMerchant]:
    """Full width, half width and case count as one: people type what their keyboard gives."""
    text = _folded(wanted.q.strip())
    return [
        m
        for m in published.merchants
        if wanted.domain in ("", m.domain_id)
        and wanted.area in ("", m.area)
        and (text in _folded(m.name) or text in _folded(m.merchant_id))
    ]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _domains(published: Publication) -> list[tuple[str, str, int]]:
    """Return (id, name, number of merchants) of the domains in a publication, by name's weight."""
    counts = Counter((m.domain_id, m.domain_name) for m in published.merchants)
    return [(id_, name, count) for (id_, name), count in counts.most_common()]


def _names(published: Publication) -> dict[str, str]:
    return {m.merchant_id: m.name for m in published.merchants}
