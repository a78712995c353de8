"""Daily detail files: their bytes as they are, under their name."""

from apiflask import APIBlueprint
from flask import request
from pydantic import BaseModel

from backend.edge.bank_api.signature import current_partner
from backend.edge.http import takes_files
from backend.services import partner_files
from backend.services.outside_files import Taken

blueprint = APIBlueprint("bank_files", __name__, tag="银行 bank")
# Some 70,000 lines of CSV; what is longer is brought by staff (`flask reconciliation take`).
FILE_MAX_BYTES = 8 * 1024 * 1024


class DetailFileShown(BaseModel):
    """已收下；new 为 false 表示同样内容的文件此前已收。更正时用 file_id。"""

    file_id: int
    day: str
    lines: int
    sum_fen: int
    late: bool
    new: bool


@blueprint.put("/files/<detail_file:file_name>")
@takes_files(FILE_MAX_BYTES)
@blueprint.output(DetailFileShown)
def take(file_name: str) -> dict[str, object]:
    """日明细文件：请求体即文件内容，整份收下或逐行列出错误、一行不收。"""
    return _take(file_name, None)


@blueprint.put("/files/<detail_file:file_name>/replacing/<int(min=1,max=2147483647):file_id>")
@takes_files(FILE_MAX_BYTES)
@blueprint.output(DetailFileShown)
def correct(file_name: str, file_id: int) -> dict[str, object]:
    """更正文件：取代编号为 file_id 的现行文件，原文件保留并作标记。"""
    return _take(file_name, file_id)


def _take(name: str, replaces: int | None) -> dict[str, object]:
    return _shown(
        partner_files.take(
            partner_id=current_partner().partner_id,
            name=name,
            content=request.get_data(cache=True),
            replaces=replaces,
        )
    )


def _shown(taken: Taken) -> dict[str, object]:
    file = taken.file
    return {
        "file_id": file.id,
        "day": file.day.isoformat(),
        "lines": file.line_count,
        "sum_fen": file.sum_fen,
        "late": file.late,
        "new": taken.new,
    }
