"""Applying for a special subsidy (专项补贴): draft, evidence, submission, and where it stands."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, Field

from backend.domain.subsidies import MAX_FILE_BYTES, Payment, SubsidyInvalid, notice
from backend.edge.http import takes_files
from backend.services import subsidies as service
from backend.services import subsidy_accounts, subsidy_files
from backend.services.subsidies import Account, Application
from miniprogram_api.session import current_resident
from miniprogram_api.shapes import AmountFen, Request, RequestId

if TYPE_CHECKING:
    from backend.storage.models.subsidies import AccountCorrection, Subsidy, SubsidyFile

subsidies = APIBlueprint("subsidies", __name__, tag="居民 resident")

Words = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,60}$")]
AccountNumber = Annotated[str, Field(pattern=r"^[0-9]{8,32}$")]


class SubsidyApplication(Request):
    """一份补贴申请：购车发票、车架号、购车商户和本人的银行账户。"""

    request_id: RequestId
    campaign_id: Annotated[str, Field(pattern=r"^[A-Z0-9-]{1,32}$")]
    merchant_id: Annotated[str, Field(pattern=r"^[A-Z]{2}[0-9]{4,8}$")]
    invoice_number: Annotated[
        str,
        Field(
            pattern=r"^[0-9]{20}$",
            description="20 位：12 位发票代码加 8 位号码，或数电票的 20 位号码",
        ),
    ]
    vin: Annotated[
        str,
        Field(
            pattern=r"^[A-HJ-NPR-Z0-9]{17}$",
            description="17 位车架号，没有 I、O、Q；L 开头的核对校验位",
        ),
    ]
    invoice_amount_fen: AmountFen
    invoice_day: Annotated[
        str, Field(pattern=r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}$", description="开票日期")
    ]
    account_holder: Words
    account_bank: Words
    account_number: AccountNumber


class CorrectedAccount(Request):
    """银行退回补贴后，更正的本人收款账户。"""

    request_id: RequestId
    account_holder: Words
    account_bank: Words
    account_number: AccountNumber


class AccountCorrectionShown(BaseModel):
    """更正的收款账户和审核情况；reason 是未通过的原因。"""

    state: Literal["submitted", "confirmed", "refused"]
    account_last4: str
    reason: str | None


class EvidenceFile(BaseModel):
    """一个材料文件。图片已重新编码，不含拍摄位置。"""

    name: str
    media_type: Literal["image/jpeg", "application/pdf"]
    size_bytes: int
    uploaded_at: dt.datetime


class SubsidyShown(BaseModel):
    """申请和进度；notice 是给申请人看的话。"""

    subsidy_id: str
    campaign_id: str
    campaign_name: str
    merchant_name: str
    amount_fen: Annotated[int, Field(description="通过后发放的补贴，单位分")]
    invoice_amount_fen: int
    invoice_day: dt.date
    vin_last4: str
    account_last4: Annotated[str, Field(description="收款账户尾号；更正通过后是新账户的")]
    account_correction: Annotated[
        AccountCorrectionShown | None, Field(description="银行退回后更正的收款账户")
    ]
    state: Literal["draft", "submitted", "first_reviewed", "granted", "refused", "withdrawn"]
    payment: Literal["none", "sent", "paid", "returned"]
    notice: str
    reason: Annotated[str | None, Field(description="未通过的原因")]
    evidence: Annotated[list[str], Field(description="本活动要的材料")]
    files: list[EvidenceFile]
    created_at: dt.datetime


class SubsidyList(BaseModel):
    """我的申请，最新的在前。"""

    subsidies: list[SubsidyShown]


def _present(subsidy: "Subsidy") -> dict[str, object]:
    payment = service.payment(subsidy.id)
    correction = subsidy_accounts.of_return(subsidy.id)
    return {
        "subsidy_id": subsidy.id,
        "campaign_id": subsidy.campaign_id,
        "campaign_name": subsidy.campaign.name,
        "merchant_name": subsidy.merchant.name,
        "amount_fen": subsidy.amount_fen,
        "invoice_amount_fen": subsidy.invoice_amount_fen,
        "invoice_day": subsidy.invoice_day,
        "vin_last4": subsidy.vin_last4,
        "account_last4": subsidy_accounts.last4_of(subsidy),
        "account_correction": None if correction is None else _correction(correction),
        "state": subsidy.state,
        "payment": payment,
        "notice": _notice(subsidy, payment, correction),
        "reason": subsidy.reason,
        "evidence": list(service.evidence_of(subsidy.campaign)),
        "files": [_file(file) for file in service.files(subsidy.id)],
        "created_at": subsidy.created_at,
    }


def _correction(correction: "AccountCorrection") -> dict[str, object]:
    return {
        "state": correction.state,
        "account_last4": correction.account_last4,
        "reason": correction.reason,
    }


def _notice(subsidy: "Subsidy", payment: Payment, correction: "AccountCorrection | None") -> str:
    corrected = None if correction is None else correction.state
    return notice(subsidy.state, payment, corrected)  # type: ignore[arg-type]  # CHECKs name them


def _file(file: "SubsidyFile") -> dict[str, object]:
    return {
        "name": file.name,
        "media_type": file.media_type,
        "size_bytes": file.size_bytes,
        "uploaded_at": file.uploaded_at,
    }


@subsidies.post("/subsidies")
@subsidies.input(SubsidyApplication)
@subsidies.output(SubsidyShown, status_code=201)
def apply(json_data: SubsidyApplication) -> dict[str, object]:
    """填写补贴申请（草稿），随后上传材料再提交。"""
    told = json_data.model_dump()
    try:
        day = dt.date.fromisoformat(told.pop("invoice_day"))
    except ValueError as error:
        raise SubsidyInvalid("invoice_day", details={"fields": ["invoice_day"]}) from error
    account = Account(**{key: told.pop(f"account_{key}") for key in ("holder", "bank", "number")})
    request_id = told.pop("request_id")
    made = service.apply(
        resident_id=current_resident().id,
        request_id=request_id,
        application=Application(**told, invoice_day=day, account=account),
    )
    return _present(made)


@subsidies.get("/subsidies")
@subsidies.output(SubsidyList)
def list_own() -> dict[str, object]:
    """我的补贴申请。"""
    found = service.list_subsidies(resident_id=current_resident().id)
    return {"subsidies": [_present(subsidy) for subsidy in found]}


@subsidies.get("/subsidies/<order_id:subsidy_id>")
@subsidies.output(SubsidyShown)
def get_own(subsidy_id: str) -> dict[str, object]:
    """查看自己的一份申请和进度。"""
    return _present(service.of_resident(subsidy_id, current_resident().id))


@subsidies.post("/subsidies/<order_id:subsidy_id>/submit")
@subsidies.output(SubsidyShown)
def submit(subsidy_id: str) -> dict[str, object]:
    """提交申请并占用名额；未通过的可补正材料后再次提交。"""
    return _present(service.submit(subsidy_id=subsidy_id, resident_id=current_resident().id))


@subsidies.post("/subsidies/<order_id:subsidy_id>/withdraw")
@subsidies.output(SubsidyShown)
def withdraw(subsidy_id: str) -> dict[str, object]:
    """撤回申请，名额释放。"""
    return _present(service.withdraw(subsidy_id=subsidy_id, resident_id=current_resident().id))


@subsidies.post("/subsidies/<order_id:subsidy_id>/account")
@subsidies.input(CorrectedAccount)
@subsidies.output(SubsidyShown)
def correct_account(subsidy_id: str, json_data: CorrectedAccount) -> dict[str, object]:
    """银行退回补贴后更正本人的收款账户，审核通过后编入下一批发放。"""
    told, own = json_data.model_dump(), current_resident().id
    subsidy_accounts.correct(
        subsidy_id=subsidy_id,
        resident_id=own,
        request_id=told["request_id"],
        account=Account(**{key: told[f"account_{key}"] for key in ("holder", "bank", "number")}),
    )
    return _present(service.of_resident(subsidy_id, own))


@subsidies.put("/subsidies/<order_id:subsidy_id>/files/<evidence:name>")
@takes_files(MAX_FILE_BYTES)
@subsidies.output(EvidenceFile)
def put_file(subsidy_id: str, name: str) -> dict[str, object]:
    """上传一个材料：请求体就是 JPEG、PNG 或 PDF 的内容，同名的会被替换，至多 6 个。"""
    file = subsidy_files.put(
        subsidy_id=subsidy_id,
        resident_id=current_resident().id,
        name=name,
        content=request.get_data(cache=False),
    )
    return _file(file)


def _binary() -> Any:  # APIFlask types this parameter too narrowly
    kinds = ("image/jpeg", "application/pdf")
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    return {200: {"description": "材料文件，只供下载", "content": content}}


@subsidies.get("/subsidies/<order_id:subsidy_id>/files/<evidence:name>")
@subsidies.doc(responses=_binary())
def get_file(subsidy_id: str, name: str) -> Response:
    """下载自己上传的材料。"""
    media_type, content = subsidy_files.read(
        subsidy_id=subsidy_id, name=name, resident_id=current_resident().id
    )
    response = Response(content, mimetype=media_type)
    ending = "pdf" if media_type == "application/pdf" else "jpg"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{ending}"'
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
