"""A shop's settlement sheets (结算单): list, lines, and files to keep."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from backend.services import payouts, settlement_files
from backend.services import settlements as service
from miniprogram_api.session import current_clerk
from miniprogram_api.shapes import Digits, Query

if TYPE_CHECKING:
    from backend.storage.models.settlements import SettlementSheet

settlements = APIBlueprint("settlements", __name__, tag="商户 merchant")

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
State = Literal["drafted", "bureau_approved", "finance_approved", "in_payout", "paid", "rejected"]


class PageQuery(Query):
    """第几页。"""

    page: Annotated[int, Field(ge=1, le=100_000), Digits] = 1
    page_size: Annotated[int, Field(ge=1, le=100), Digits] = 20


class SheetShown(BaseModel):
    """一张结算单；rejected 表示被退回，其中的核销会进入下一张。"""

    sheet_id: str
    from_day: dt.date
    through_day: dt.date
    state: State
    line_count: int
    amount_fen: int
    drafted_at: dt.datetime


class SheetList(BaseModel):
    """结算单，最近的在前。"""

    page: int
    page_size: int
    sheets: list[SheetShown]


class LineShown(BaseModel):
    """一笔明细；退款和冲正的金额为负。entry 是一个月的免票入园，order_id 为月度结算单号。"""

    source_kind: Literal["redemption", "refund", "reversal", "entry"]
    order_id: str
    campaign_name: str
    occurred_at: dt.datetime
    order_amount_fen: int
    amount_fen: int


class PayoutShown(BaseModel):
    """一次银行代发；sent 表示银行尚未答复。"""

    account_last4: str
    amount_fen: int
    state: Literal["sent", "paid", "failed"]
    bank_serial: str | None
    bank_day: dt.date | None
    failure_reason: str | None


class SheetDetails(SheetShown):
    """结算单、代发结果和一页明细。"""

    payouts: list[PayoutShown]
    page: int
    page_size: int
    lines: list[LineShown]


def _file(content_type: str) -> Any:  # APIFlask types this parameter too narrowly
    content = {content_type: {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"description": "结算单文件", "content": content}}


@settlements.get("/settlements")
@settlements.input(PageQuery, location="query")
@settlements.output(SheetList)
def list_sheets(query_data: PageQuery) -> dict[str, object]:
    """本店的结算单。"""
    page, page_size = query_data.page, query_data.page_size
    found = service.sheets(merchant_id=current_clerk().merchant_id, page=page, page_size=page_size)
    return {"page": page, "page_size": page_size, "sheets": [_present(sheet) for sheet in found]}


@settlements.get("/settlements/<sheet_id:sheet_id>")
@settlements.input(PageQuery, location="query")
@settlements.output(SheetDetails)
def show(sheet_id: str, query_data: PageQuery) -> dict[str, object]:
    """一张结算单，带代发结果和明细。"""
    sheet = service.sheet_of(sheet_id, merchant_id=current_clerk().merchant_id)
    page, page_size = query_data.page, query_data.page_size
    return _present(sheet) | {
        "payouts": [
            {
                "account_last4": account.number_last4,
                "amount_fen": line.amount_fen,
                "state": line.state,
                "bank_serial": line.bank_serial,
                "bank_day": line.bank_day,
                "failure_reason": line.failure_reason,
            }
            for line, account in payouts.attempts(sheet.id)
        ],
        "page": page,
        "page_size": page_size,
        "lines": [
            {
                "source_kind": line.source_kind,
                "order_id": line.order_id,
                "campaign_name": line.campaign_name,
                "occurred_at": line.occurred_at,
                "order_amount_fen": line.order_amount_fen,
                "amount_fen": line.amount_fen,
            }
            for line in service.lines(sheet.id, page=page, page_size=page_size)
        ],
    }


@settlements.get("/settlements/<sheet_id:sheet_id>.xlsx")
@settlements.doc(responses=_file(EXCEL))
def excel(sheet_id: str) -> Response:
    """结算单（Excel），含全部明细。"""
    content = settlement_files.excel(sheet_id, merchant_id=current_clerk().merchant_id)
    named = {"Content-Disposition": f"attachment; filename={sheet_id}.xlsx"}
    return Response(content, mimetype=EXCEL, headers=named)


@settlements.get("/settlements/<sheet_id:sheet_id>.pdf")
@settlements.doc(responses=_file("application/pdf"))
def pdf(sheet_id: str) -> Response:
    """结算单（PDF），供打印签字。"""
    content = settlement_files.pdf(sheet_id, merchant_id=current_clerk().merchant_id)
    return Response(content, mimetype="application/pdf")


def _present(sheet: "SettlementSheet") -> dict[str, object]:
    return {
        "sheet_id": sheet.id,
        "from_day": sheet.from_day,
        "through_day": sheet.through_day,
        "state": sheet.state,
        "line_count": sheet.line_count,
        "amount_fen": sheet.amount_fen,
        "drafted_at": sheet.drafted_at,
    }
