"""The merchant list out to a bank's tills; merchants that a bank has found qualified in."""

import hashlib
from typing import Annotated, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify, request
from pydantic import BaseModel, Field

from backend.domain.proposals import MAX_LINES, Line
from backend.edge.bank_api.signature import current_partner
from backend.edge.shapes import Digits, Query, Request, RequestId
from backend.services import partner_merchants

blueprint = APIBlueprint("bank_merchants", __name__, tag="银行 bank")
SHORT_TEXT = r"^[^\x00-\x1f\x7f]{1,60}$"


class SinceQuery(Query):
    """since：上次取得的版本号，只取其后的差异；不写则取全部。"""

    since: Annotated[int, Field(ge=1, le=1_000_000), Digits] | None = None


class TillMerchantShown(BaseModel):
    """名单中的一家商户。"""

    merchant_id: str
    name: str
    domain_id: str
    domain_name: str
    area: str | None
    uscc: str | None
    merchant_number: str | None


class TillListShown(BaseModel):
    """现行名单；带 since 时 merchants 只含新增和变更的，removed 为移出名单的商户编号。"""

    version: int
    published_at: str
    digest: str
    since: int | None
    merchants: list[TillMerchantShown]
    removed: list[str]


class ProposedMerchant(Request):
    """银行审核合格的一家商户。写错的号码不退回整批，只退回这一家。"""

    name: Annotated[str, Field(pattern=SHORT_TEXT)]
    uscc: Annotated[
        str, Field(pattern=r"^[!-~]{1,40}$", description="统一社会信用代码，两个校验位都会检查")
    ]
    merchant_number: Annotated[str, Field(pattern=r"^[!-~]{1,40}$", description="15 位")]
    terminal_numbers: Annotated[
        list[Annotated[str, Field(pattern=r"^[!-~]{1,40}$")]], Field(max_length=50)
    ] = []
    domain_id: Annotated[str, Field(pattern=r"^[A-Z0-9_-]{1,32}$")]
    area: Annotated[str, Field(pattern=SHORT_TEXT)] | None = None


class Proposal(Request):
    """一批提报的商户，逐家给出结果。"""

    request_number: RequestId
    merchants: Annotated[list[ProposedMerchant], Field(min_length=1, max_length=MAX_LINES)]


class FaultShown(BaseModel):
    """一处错误。"""

    code: str
    sentence: str


class ProposalLineShown(BaseModel):
    """一家的结果：bank_qualified 已收下、等待后续审核，refused 未收下。行号从 1 起。"""

    line: int
    status: Literal["bank_qualified", "refused"]
    faults: list[FaultShown]


class ProposalShown(BaseModel):
    """一批的结果。"""

    taken: int
    refused: int
    lines: list[ProposalLineShown]


@blueprint.get("/merchants")
@blueprint.input(SinceQuery, location="query")
@blueprint.output(TillListShown)
@blueprint.doc(responses={304: "名单没有变化（If-None-Match 与 ETag 相同）。"})
def merchant_list(query_data: SinceQuery) -> Response:
    """现行商户名单，或自某一版以来的差异；带 ETag。"""
    found = partner_merchants.listed(query_data.since)
    response: Response = jsonify(
        {
            "version": found.version,
            "published_at": found.published_at.isoformat(),
            "digest": found.digest,
            "since": found.since,
            "merchants": [
                {
                    "merchant_id": one.listed.merchant_id,
                    "name": one.listed.name,
                    "domain_id": one.listed.domain_id,
                    "domain_name": one.listed.domain_name,
                    "area": one.listed.area,
                    "uscc": one.uscc,
                    "merchant_number": one.merchant_number,
                }
                for one in found.merchants
            ],
            "removed": list(found.removed),
        }
    )
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    return response.make_conditional(request.environ)  # type: ignore[return-value]  # of werkzeug


@blueprint.post("/merchants/proposals")
@blueprint.input(Proposal)
@blueprint.output(ProposalShown)
def propose(json_data: Proposal) -> dict[str, object]:
    """提报合格商户：逐家检查，合格的收下，其余说明原因。"""
    return partner_merchants.propose(
        partner_id=current_partner().partner_id,
        request_number=json_data.request_number,
        lines=[
            Line(
                name=one.name,
                uscc=one.uscc,
                merchant_number=one.merchant_number,
                terminal_numbers=tuple(one.terminal_numbers),
                domain_id=one.domain_id,
                area=one.area,
            )
            for one in json_data.merchants
        ],
    )
