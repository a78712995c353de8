"""One exchange with UnionPay: sign, post, believe the answer or say that there is none.

Whatever cannot be believed (no answer, a wrong signature, another order's answer) is one and the
same for the caller: no answer. A refusal for our own signature, for example, is only a refusal if
UnionPay signed it.
"""

from collections.abc import Mapping
from datetime import datetime

import structlog

from backend import clock
from backend.gateways.payments.unionpay_http import MAX_ANSWER_BYTES, NoAnswer, UnionPayHttp
from backend.gateways.payments.unionpay_messages import (
    Fields,
    MessageRefused,
    Signer,
    parse_answer,
    time_text,
)
from backend.gateways.payments.unionpay_trust import Trust

BACK_PATH = "/gateway/api/backTransReq.do"
QUERY_PATH = "/gateway/api/queryTrans.do"
BIZ_TYPE_QR = "000000"
ACCESS_MERCHANT = "0"  # the merchant itself speaks, no acquirer in between

log = structlog.get_logger()


class UnionPayCalls:
    """Exchanges of one merchant number. Safe to share between threads.

    :param base_url: of the ACP gateway
    :param file_url: of the download of files
    """

    def __init__(
        self,
        *,
        merchant_number: str,
        signer: Signer,
        trust: Trust,
        http: UnionPayHttp,
        base_url: str,
        file_url: str,
    ) -> None:
        self.merchant_number = merchant_number
        self._signer = signer
        self._trust = trust
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._file_url = file_url.rstrip("/") + "/"

    def back(self, fields: Mapping[str, str | None], *, order_id: str, at: datetime) -> Fields:
        """Ask for a transaction; NoAnswer when its outcome is unknown.

        :param order_id: with `at` the name of the transaction; the same again is refused as 12
        """
        named = {"orderId": order_id, "txnTime": time_text(at), **fields}
        return self._exchange(self._base_url + BACK_PATH, named)

    def query(self, *, order_id: str, at: datetime) -> Fields:
        """Ask what became of a transaction; NoAnswer as above."""
        named = {"orderId": order_id, "txnTime": time_text(at)}
        return self._exchange(
            self._base_url + QUERY_PATH, {"txnType": "00", "txnSubType": "00", **named}
        )

    def file(self, fields: Mapping[str, str | None], *, max_bytes: int) -> Fields:
        """Ask for a file; NoAnswer when none came."""
        return self._exchange(self._file_url, fields, max_bytes=max_bytes)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def check_ours(self, fields: Fields) -> None:
        """Raise MessageRefused unless UnionPay signed this, and for our merchant number."""
        self._trust.check(fields, at=clock.now())
        if fields.get("merId") != self.merchant_number:
            raise MessageRefused("meant for another merchant number")

    def _exchange(
        self,
        url: str,
        fields: Mapping[str, str | None],
        *,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> Fields:
        asked = self._signer.sign(
            {
                "merId": self.merchant_number,
                "bizType": BIZ_TYPE_QR,
                "accessType": ACCESS_MERCHANT,
                **fields,
            }
        )
        try:
            answer = parse_answer(self._http.post(url, asked, max_bytes=max_bytes))
            self.check_ours(answer)
            # An answer recorded from another order would else be believed: it is signed as well.
            for name in ("orderId", "txnTime"):
                if answer.get(name) != asked.get(name):
                    raise MessageRefused(f"{name} is of another transaction")
        except NoAnswer as error:
            log.warning("unionpay_unanswered", txn_type=asked["txnType"], reason=str(error))
            raise
        except MessageRefused as error:
            log.error("unionpay_answer_refused", txn_type=asked["txnType"], reason=str(error))
            raise NoAnswer(str(error)) from None
        if answer.get("respCode") != "00":
            log.info(
                "unionpay_refused", txn_type=asked["txnType"], error_code=answer.get("respCode")
            )
        return answer
