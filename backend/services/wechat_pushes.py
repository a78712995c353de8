"""Acting on what WeChat tells us unasked (消息推送): who withdraws, and what messages he wants.

A message is written down and acted on in one transaction, so it counts once, however often and on
how many machines it comes; when that fails WeChat is told, and sends it again.
"""

from collections.abc import Mapping
from typing import Final

import structlog
from flask import current_app

from backend import clock, metrics
from backend.domain.errors import NotFound
from backend.extensions import db
from backend.gateways.wechat_push import Push, PushRefused, WeChatPush
from backend.services import sign_ins
from backend.storage.models.wechat_pushes import MessagePermission
from backend.storage.queries import wechat_pushes as queries
from backend.storage.sql import transaction

log = structlog.get_logger()

# 安全指引, 授权用户信息变更: the user takes back what he let us know, or leaves the mini-program.
WITHDRAWN: Final = ("user_authorization_revoke", "user_authorization_cancellation")
# 订阅消息, 事件推送. That a message was delivered (…_sent_event) tells nothing of a permission.
ANSWERED: Final = ("subscribe_msg_popup_event", "subscribe_msg_change_event")
TAKEN: Final = "success"
Answer = tuple[int, str]  # status, text


def echo(query: Mapping[str, str]) -> Answer:
    """Answer WeChat's check of the address (echostr). Raises NotFound when pushes are off."""
    try:
        return 200, _gateway().echo(query)
    except PushRefused as error:
        return _refused(error)


def receive(query: Mapping[str, str], body: bytes) -> Answer:
    """Take one message and act on it; 401 for one that is not WeChat's.

    What is of no use to us is taken and dropped: only its kind is counted. Raises NotFound when
    pushes are off.
    """
    try:
        push = _gateway().read(query, body)
    except PushRefused as error:
        return _refused(error)
    outcome = _act(push) if push.event in (*WITHDRAWN, *ANSWERED) else "dropped"
    known = push.event if outcome != "dropped" else "other"
    metrics.push_received(event=known, outcome=outcome)
    log.info("wechat_push", event_name=known, outcome=outcome)
    if push.event in WITHDRAWN:
        sign_ins.REVOKED.forget()
    return 200, TAKEN


def answers_of(resident_id: int) -> list[MessagePermission]:
    """Return what a resident said of messages, by template."""
    return queries.list_answers(db.session(), resident_id)


def _gateway() -> WeChatPush:
    found: WeChatPush | None = current_app.extensions["wechat_push"]
    if found is None:
        raise NotFound("pushes of WeChat")
    return found


def _refused(error: PushRefused) -> Answer:
    metrics.push_received(event="other", outcome="refused")
    log.warning("wechat_push_refused", why=str(error))
    return 401, ""


def _act(push: Push) -> str:
    with transaction() as session:
        user_id = queries.user_of(session, push.openid)
        if user_id is None:
            return "user_unknown"
        if not queries.add(
            session,
            key=push.key,
            event=push.event,
            wechat_user_id=user_id,
            happened_at=push.happened_at,
            received_at=clock.now(),
        ):
            return "repeated"
        if push.event in WITHDRAWN:
            sign_ins.end_all(session, wechat_user_id=user_id)
        for template_id, answer in push.templates.items():
            queries.keep_answer(
                session,
                wechat_user_id=user_id,
                template_id=template_id,
                answer=answer,
                told_at=push.happened_at,
            )
    return "applied"
