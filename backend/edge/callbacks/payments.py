"""Where providers send their notifications: `POST /callbacks/payments/PROVIDER`.

Public, since a provider has no token of ours: its signature is checked instead. Answered in the
provider's own form, within its time: applying is SQL alone, and a job does what is left.
"""

from apiflask import APIBlueprint
from flask import Response, request

from backend.services import payment_notices

# For providers, not for phones or tills: no part of the document.
blueprint = APIBlueprint("payment_callbacks", __name__, enable_openapi=False)


@blueprint.post("/callbacks/payments/<provider>")
def receive(provider: str) -> Response:
    """Take a notification: the raw bytes, since a signature covers bytes and no meaning."""
    status, content_type, text = payment_notices.receive(
        provider, dict(request.headers), request.get_data()
    )
    return Response(text, status=status, content_type=content_type)
