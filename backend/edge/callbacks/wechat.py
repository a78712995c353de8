"""Where WeChat sends what it has to tell (消息推送): `/callbacks/wechat`.

Public, as a provider's notices are: the signature is checked instead. WeChat waits 5 seconds and
sends a message three times; acting on one is SQL alone.
"""

from apiflask import APIBlueprint
from flask import Response, request

from backend.services import wechat_pushes

# For WeChat, not for phones or tills: no part of the document.
blueprint = APIBlueprint("wechat_callbacks", __name__, enable_openapi=False)


@blueprint.get("/callbacks/wechat")
def echo() -> Response:
    """Read back what WeChat sent, when the address is set in its console."""
    return _answer(wechat_pushes.echo(request.args))


@blueprint.post("/callbacks/wechat")
def receive() -> Response:
    """Take one message: the raw bytes, as they were encrypted."""
    return _answer(wechat_pushes.receive(request.args, request.get_data()))


def _answer(answer: wechat_pushes.Answer) -> Response:
    status, text = answer
    return Response(text, status=status, content_type="text/plain; charset=utf-8")
