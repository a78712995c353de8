"""Messages of WeChat: each acted on once; of a user's answers the last one stands."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as insert_on_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite
from sqlalchemy.orm import Session

from backend.storage.models.residents import WeChatUser
from backend.storage.models.wechat_pushes import MessagePermission, WeChatPushEvent


def add(session: Session, **values: Any) -> bool:
    """Write a message; False when it is there already."""
    statement = _insert(session)(WeChatPushEvent).values(**values).on_conflict_do_nothing()
    return session.scalar(statement.returning(WeChatPushEvent.key)) is not None


def user_of(session: Session, openid: str | None) -> int | None:
    """Return the id of the WeChat user of an openid, or None."""
    return session.scalar(select(WeChatUser.id).where(WeChatUser.openid == openid))


def keep_answer(
    session: Session, *, wechat_user_id: int, template_id: str, answer: str, told_at: datetime
) -> None:
    """Keep what a user said of a template, unless he has said something later."""
    made = _insert(session)(MessagePermission).values(
        wechat_user_id=wechat_user_id, template_id=template_id, answer=answer, told_at=told_at
    )
    session.execute(
        made.on_conflict_do_update(
            index_elements=["wechat_user_id", "template_id"],
            set_={"answer": made.excluded.answer, "told_at": made.excluded.told_at},
            where=MessagePermission.told_at <= made.excluded.told_at,
        )
    )


def list_answers(session: Session, resident_id: int) -> list[MessagePermission]:
    """Return what a resident said of messages, by template, over all his WeChat users."""
    return list(
        session.scalars(
            select(MessagePermission)
            .join(WeChatUser, WeChatUser.id == MessagePermission.wechat_user_id)
            .where(WeChatUser.resident_id == resident_id)
            .order_by(MessagePermission.template_id, MessagePermission.wechat_user_id)
        )
    )


def _insert(session: Session) -> Callable[..., Any]:
    sqlite = session.get_bind().dialect.name == "sqlite"
    return insert_on_sqlite if sqlite else insert_on_postgresql
