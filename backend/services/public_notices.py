"""Notices to the public (公告): one of the staff writes, another releases.

Plan, part eight (三): 加大宣传力度. What was told to everybody stays readable to staff.
"""

from sqlalchemy import select, update

from backend import clock
from backend.domain import public_notices as rules
from backend.domain.errors import NotFound
from backend.domain.public_notices import NoticeState, PublicNoticeStateRefused
from backend.domain.second_person import refuse_own_work
from backend.extensions import db
from backend.services import audit
from backend.services.listings import Listing
from backend.storage.models.public_notices import PublicNotice
from backend.storage.sql import transaction

MAX_ID = 2_147_483_647  # what the column holds


def write(*, title: str, body: str, actor: str) -> PublicNotice:
    """Write a notice that nobody sees before another person publishes it.

    Raises PublicNoticeInvalid.
    """
    title, body = title.strip(), body.replace("\r\n", "\n").strip()
    rules.check(title=title, body=body)
    with transaction() as session:
        notice = PublicNotice(title=title, body=body, written_by=actor, written_at=clock.now())
        session.add(notice)
        session.flush()
        audit.record(
            session, actor=actor, action="notice.write", subject=str(notice.id), title=title
        )
    return notice


def publish(notice_id: int, *, actor: str) -> None:
    """Show a notice to everybody, as another person than who wrote it.

    Raises NotFound, SecondPersonNeeded, PublicNoticeStateRefused.
    """
    refuse_own_work(made_by=get(notice_id).written_by, checked_by=actor)
    _change(
        notice_id,
        ("draft",),
        actor=actor,
        state="published",
        published_by=actor,
        published_at=clock.now(),
    )


def withdraw(notice_id: int, *, reason: str, actor: str) -> None:
    """Take a notice away at once; one person is enough, as nothing is told by it.

    Raises NotFound, PublicNoticeInvalid, PublicNoticeStateRefused.
    """
    reason = reason.strip()
    rules.check_reason(reason)
    _change(
        notice_id,
        ("draft", "published"),
        actor=actor,
        state="withdrawn",
        withdrawn_by=actor,
        withdrawn_at=clock.now(),
        withdrawn_why=reason,
    )


def get(notice_id: int) -> PublicNotice:
    """Return a notice in any state; NotFound when there is none."""
    known = 0 < notice_id <= MAX_ID
    notice = db.session.get(PublicNotice, notice_id, populate_existing=True) if known else None
    if notice is None:
        raise NotFound(f"notice {notice_id}")
    return notice


def public(notice_id: int) -> PublicNotice:
    """Return a notice that everybody may read; NotFound for any other as for an absent one."""
    notice = get(notice_id)
    if notice.state != "published":
        raise NotFound(f"notice {notice_id} is {notice.state}")
    return notice


def list_public() -> Listing[PublicNotice]:
    """Return what everybody may read, the newest first."""
    return Listing(
        select(PublicNotice)
        .where(PublicNotice.state == "published")
        .order_by(PublicNotice.published_at.desc(), PublicNotice.id.desc())
    )


def find(*, state: NoticeState | None = None) -> Listing[PublicNotice]:
    """Return all notices, or those of a state, the last written first; for staff."""
    wanted = select(PublicNotice).order_by(PublicNotice.id.desc())
    return Listing(wanted if state is None else wanted.where(PublicNotice.state == state))


def _change(
    notice_id: int, expected: tuple[NoticeState, ...], *, actor: str, **written: object
) -> None:
    get(notice_id)
    with transaction() as session:
        changed = session.scalar(
            update(PublicNotice)
            .where(PublicNotice.id == notice_id, PublicNotice.state.in_(expected))
            .values(**written)
            .returning(PublicNotice.id)
        )
        if changed is None:
            raise PublicNoticeStateRefused(f"notice {notice_id} is not {expected}")
        verb = "publish" if written["state"] == "published" else "withdraw"
        details = {"reason": written["withdrawn_why"]} if verb == "withdraw" else {}
        audit.record(
            session, actor=actor, action=f"notice.{verb}", subject=str(notice_id), **details
        )
