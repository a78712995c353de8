"""Notices to the public (公告): one of the staff writes and sends for release, another releases.

Plan, part eight (三): 加大宣传力度. What was told to everybody stays readable to staff.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import func, select, update

from backend import clock
from backend.domain import public_notices as rules
from backend.domain.errors import NotFound
from backend.domain.public_notices import (
    NoticeState,
    PublicNoticeChanged,
    PublicNoticeStateRefused,
)
from backend.domain.second_person import refuse_own_work
from backend.extensions import db
from backend.services import audit
from backend.services.listings import Listing
from backend.storage.models.audit import AuditEntry
from backend.storage.models.public_notices import PublicNotice
from backend.storage.sql import transaction

MAX_ID = 2_147_483_647  # what the column holds


def write(*, title: str, body: str, actor: str) -> PublicNotice:
    """Write a draft that nobody sees before another person publishes it.

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


def edit(notice_id: int, *, title: str, body: str, edition: int, actor: str) -> None:
    """Put other words into one's own draft, which makes its next edition.

    :param edition: whose words were changed: a draft that has another by now stays as it is

    Raises NotFound, PublicNoticeInvalid, PublicNoticeOfAnother, PublicNoticeChanged,
    PublicNoticeStateRefused.
    """
    title, body = title.strip(), body.replace("\r\n", "\n").strip()
    rules.check(title=title, body=body)
    _refuse_another(notice_id, actor)
    _change(
        "edit",
        notice_id,
        ("draft",),
        actor=actor,
        edition=edition,
        written={"title": title, "body": body, "edition": edition + 1},
        noted={"title": title},
    )


def submit(notice_id: int, *, actor: str) -> None:
    """Send one's own draft for release; until it is sent back its words stay as they are.

    Raises NotFound, PublicNoticeOfAnother, PublicNoticeStateRefused.
    """
    _refuse_another(notice_id, actor)
    written = {"state": "submitted", "submitted_at": clock.now()}
    _change("submit", notice_id, ("draft",), actor=actor, written=written)


def send_back(notice_id: int, *, reason: str, actor: str) -> None:
    """Make what was sent for release a draft again, and say why.

    Raises NotFound, PublicNoticeInvalid, PublicNoticeStateRefused.
    """
    reason = reason.strip()
    rules.check_reason(reason)
    _change(
        "send_back",
        notice_id,
        ("submitted",),
        actor=actor,
        written={"state": "draft"},
        noted={"reason": reason},
    )


def publish(notice_id: int, *, edition: int, actor: str) -> None:
    """Show a notice to everybody, as another person than who wrote it.

    :param edition: whose words were read: no others are released

    Raises NotFound, SecondPersonNeeded, PublicNoticeChanged, PublicNoticeStateRefused.
    """
    refuse_own_work(made_by=get(notice_id).written_by, checked_by=actor)
    _change(
        "publish",
        notice_id,
        ("submitted",),
        actor=actor,
        edition=edition,
        written={"state": "published", "published_by": actor, "published_at": clock.now()},
    )


def withdraw(notice_id: int, *, reason: str, actor: str) -> None:
    """Take a notice away at once; one person is enough, as nothing is told by it.

    Raises NotFound, PublicNoticeInvalid, PublicNoticeStateRefused.
    """
    reason = reason.strip()
    rules.check_reason(reason)
    _change(
        "withdraw",
        notice_id,
        ("draft", "submitted", "published"),
        actor=actor,
        written={
            "state": "withdrawn",
            "withdrawn_by": actor,
            "withdrawn_at": clock.now(),
            "withdrawn_why": reason,
        },
        noted={"reason": reason},
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


def acts(notice_id: int) -> Sequence[AuditEntry]:
    """Return what staff did with a notice, the first act first."""
    return audit.of_subject(str(notice_id), noun="notice")


def count_to_publish(actor: str) -> int:
    """Return how many notices wait for this person: sent for release, written by others."""
    wanted = select(func.count()).where(
        PublicNotice.state == "submitted", PublicNotice.written_by != actor
    )
    return db.session.scalar(wanted) or 0


def _refuse_another(notice_id: int, actor: str) -> None:
    if get(notice_id).written_by != actor:
        raise rules.PublicNoticeOfAnother(f"notice {notice_id} is not {actor!r}'s")


def _change(
    act: str,
    notice_id: int,
    expected: tuple[NoticeState, ...],
    *,
    actor: str,
    written: Mapping[str, object],
    noted: Mapping[str, object] = MappingProxyType({}),
    edition: int | None = None,
) -> None:
    """Take an act from a state that allows it, in one statement, and write it down."""
    is_as_expected = [PublicNotice.id == notice_id, PublicNotice.state.in_(expected)]
    if edition is not None:
        is_as_expected.append(PublicNotice.edition == edition)
    with transaction() as session:
        changed = session.scalar(
            update(PublicNotice)
            .where(*is_as_expected)
            .values(dict(written))
            .returning(PublicNotice.edition)
        )
        if changed is None:
            if get(notice_id).state in expected:
                raise PublicNoticeChanged(f"notice {notice_id} is not edition {edition}")
            raise PublicNoticeStateRefused(f"notice {notice_id} is not {expected}")
        audit.record(
            session,
            actor=actor,
            action=f"notice.{act}",
            subject=str(notice_id),
            edition=changed,
            **noted,
        )
