"""What WeChat told us unasked, and what users said of messages (订阅消息)."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from backend.extensions import Model
from backend.storage.sql import ChinaTime


class WeChatPushEvent(Model):
    """One message of WeChat that was acted on, once. Never changed; the rest of it is not kept."""

    __tablename__ = "wechat_pushes"
    key: Mapped[str] = mapped_column(primary_key=True)  # the same for its repetitions
    event: Mapped[str]
    wechat_user_id: Mapped[int] = mapped_column(ForeignKey("wechat_users.id"))
    happened_at: Mapped[datetime] = mapped_column(ChinaTime)  # by WeChat's account
    received_at: Mapped[datetime] = mapped_column(ChinaTime)


class MessagePermission(Model):
    """What a WeChat user said last of one kind of message; WeChat decides when one is sent."""

    __tablename__ = "message_permissions"
    wechat_user_id: Mapped[int] = mapped_column(ForeignKey("wechat_users.id"), primary_key=True)
    template_id: Mapped[str] = mapped_column(primary_key=True)
    answer: Mapped[str]
    told_at: Mapped[datetime] = mapped_column(ChinaTime)  # by WeChat's account
    __table_args__ = (CheckConstraint("answer IN ('accept', 'reject')", name="answer_known"),)
