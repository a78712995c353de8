"""The guard of partners' calls, and the signature on every answer to one that was believed.

Which texts are signed stands in backend/domain/partners.py, and for banks in
docs/bank-integration.md.
"""

from flask import Response, g, request

from backend import clock
from backend.domain import partners as rules
from backend.domain.partners import PartnerSignatureInvalid
from backend.edge.guards import Guard
from backend.edge.limits import ACCOUNT
from backend.services import partner_calls
from backend.services.partner_calls import Caller, Signed

SCHEME = "HUIQUAN-HMAC-SHA256"
FORMS = {
    "X-Partner": rules.PARTNER_ID,
    "X-Key-Id": rules.KEY_ID,
    "X-Timestamp": rules.TIMESTAMP,
    "X-Nonce": rules.NONCE,
    "X-Signature": rules.SIGNATURE,
}


def _check() -> None:
    """Let a partner's signed call pass; its headers may come in any order, each once."""
    given = {name: request.headers.get(name, "") for name in FORMS}
    wrong = [name for name, form in FORMS.items() if not form.fullmatch(given[name])]
    if wrong:  # one that comes twice is read as two joined by a comma
        raise PartnerSignatureInvalid(f"missing or malformed: {', '.join(wrong)}")
    query = request.environ.get("QUERY_STRING", "")
    text = rules.request_text(
        method=request.method,
        target=f"{request.path}?{query}" if query else request.path,
        timestamp=given["X-Timestamp"],
        nonce=given["X-Nonce"],
        body=request.get_data(cache=True),
    )
    g.partner = partner_calls.authenticate(
        Signed(
            partner_id=given["X-Partner"],
            key_id=given["X-Key-Id"],
            timestamp=given["X-Timestamp"],
            nonce=given["X-Nonce"],
            signature=given["X-Signature"],
            text=text,
            address=request.remote_addr or "",
        )
    )
    request.environ[ACCOUNT] = f"partner:{g.partner.partner_id}"


partner_guard = Guard("partner", _check, security_scheme="partner")


def current_partner() -> Caller:
    """Return who is calling; behind the guard there is always one."""
    found: Caller = g.partner
    return found


def sign(response: Response) -> Response:
    """Sign an answer with the key of the call it answers, refusals included.

    A call that was not believed is answered without: there is no key to trust.
    """
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = SCHEME
    caller: Caller | None = g.get("partner")
    if caller is None:
        return response
    timestamp = str(int(clock.now().timestamp()))
    without_body = request.method == "HEAD" or response.status_code in (204, 304)
    text = rules.answer_text(
        status=response.status_code,
        timestamp=timestamp,
        nonce=caller.nonce,
        body=b"" if without_body else response.get_data(),
    )
    response.headers["X-Key-Id"] = caller.key_id
    response.headers["X-Timestamp"] = timestamp
    response.headers["X-Nonce"] = caller.nonce
    response.headers["X-Signature"] = rules.signature(caller.secret, text)
    return response
