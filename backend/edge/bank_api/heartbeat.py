"""Whether we hear each other, and what time it is here."""

from apiflask import APIBlueprint
from pydantic import BaseModel

from backend import clock
from backend.edge.bank_api.signature import current_partner

blueprint = APIBlueprint("bank_heartbeat", __name__, tag="银行 bank")


class Heartbeat(BaseModel):
    """签名被接受；now_s 为本系统时间，自 1970 年起的整秒数。"""

    partner_id: str
    key_id: str
    now_s: int
    now: str


@blueprint.get("/time")
@blueprint.output(Heartbeat)
def time() -> dict[str, object]:
    """心跳与对时：检查密钥、签名、时钟和地址名单。"""
    caller, now = current_partner(), clock.now()
    return {
        "partner_id": caller.partner_id,
        "key_id": caller.key_id,
        "now_s": int(now.timestamp()),
        "now": now.astimezone(clock.CHINA).isoformat(),
    }
