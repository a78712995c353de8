"""The merchant list (参与商户名单): published in numbered versions that never change."""

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock
from backend.domain.errors import HuiquanError, NotFound
from backend.domain.merchant_steps import Step
from backend.extensions import db
from backend.services import audit, clerks, merchant_steps, workbooks
from backend.services.listings import Listing
from backend.services.merchant_steps import Act
from backend.storage.models.merchants import Merchant, MerchantListEntry, MerchantListVersion
from backend.storage.models.programmes import Domain, Programme
from backend.storage.queries import merchants as queries
from backend.storage.queries import onboarding as chain_queries
from backend.storage.sql import transaction

PUBLISHABLE = ("passed", "published")


class NothingToPublish(HuiquanError):
    code = "nothing_to_publish"
    message = "名单与上一版相同，无需再次公布"
    category = "conflict"


class ListChanged(HuiquanError):
    code = "list_changed"
    message = "待公布的名单刚刚有变化，未公布，请核对新的差异后再公布"
    category = "conflict"


@dataclass(frozen=True, kw_only=True)
class Change:
    """What another version says of a merchant: newly named, named no more, or otherwise."""

    merchant_id: str
    before: MerchantListEntry | None
    now: MerchantListEntry | None


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a publication at this moment would say; its digest names it."""

    number: int
    digest: str
    merchants: int
    changes: Sequence[Change]


@dataclass(frozen=True, kw_only=True)
class VersionRow:
    """A version in the list of all."""

    version: MerchantListVersion
    merchants: int


@dataclass(frozen=True, kw_only=True)
class ListedMerchant:
    """A merchant as a publication names it."""

    merchant_id: str
    name: str
    domain_id: str
    domain_name: str
    area: str | None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What one publication changed against another, as a rule the one before it, by number."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Publication:
    """One numbered, immutable version of the merchant list (对外公布)."""

    number: int
    programme_name: str
    published_at: datetime
    digest: str
    merchants: tuple[ListedMerchant, ...]
    difference: Difference


def preview() -> Preview:
    """Return what would be published now."""
    session = db.session()
    merchants = chain_queries.list_by_status(session, PUBLISHABLE)
    last = queries.latest_version(session)
    return Preview(
        number=1 if last is None else last.number + 1,
        digest=_digest(merchants),
        merchants=len(merchants),
        changes=_changes(_entries(merchants), last.entries if last else ()),
    )


def publish(*, actor: str, expecting: str | None = None) -> Publication:
    """Publish all merchants that passed the chain as the next version of the list.

    Merchants that passed become `published`; one that was suspended or disqualified meanwhile
    is on the list no more. A list equal to the last is refused, and so is who listed one of the
    new merchants (SecondPersonNeeded). The contact of each new merchant becomes the owner of its
    shop. A veto at the same moment comes before or is too late.
    `expecting` is the digest of the preview that somebody has looked at: raises ListChanged when
    it is another list by now.
    """
    with transaction() as session:
        programme = session.scalars(select(Programme)).one_or_none()
        if programme is None:
            raise NotFound("no programme is loaded")
        merchants = chain_queries.lock_by_status(session, PUBLISHABLE)
        last = queries.latest_version(session)
        digest = _digest(merchants)
        if expecting not in (None, digest):
            raise ListChanged(f"not {expecting} any more")
        if last is not None and last.digest == digest:
            raise NothingToPublish(f"version {last.number} is the same")
        number = 1 if last is None else last.number + 1
        session.add(
            MerchantListVersion(
                number=number,
                programme_id=programme.id,
                published_at=clock.now(),
                published_by=actor,
                digest=digest,
                entries=_entries(merchants),
            )
        )
        session.flush()
        act = Act(step=Step.PUBLISHED, actor=actor, office="bureau", list_version=number)
        for merchant in merchants:
            if merchant.status == "passed":
                merchant_steps.take(session, merchant, act)
                _name_owner(session, merchant, actor=actor)
        audit.record(
            session,
            actor=actor,
            action="merchant_list.publish",
            subject=str(number),
            merchants=len(merchants),
            digest=digest,
        )
    return publication(number)


def publication(number: int | None = None, *, since: int | None = None) -> Publication:
    """Return a version of the list, by default the one in force; NotFound when there is none.

    Its difference is from the version before, or from `since`, an earlier or a later one.
    """
    session = db.session()
    version = (
        queries.latest_version(session) if number is None else queries.get_version(session, number)
    )
    if version is None:
        raise NotFound(f"merchant list version {number}")
    before = queries.get_version(session, version.number - 1 if since is None else since)
    if since is not None and before is None:
        raise NotFound(f"merchant list version {since}")
    programme = session.get_one(Programme, version.programme_id)
    domains = {domain.id: domain.name for domain in session.scalars(select(Domain))}
    return Publication(
        number=version.number,
        programme_name=programme.name,
        published_at=version.published_at,
        digest=version.digest,
        merchants=tuple(
            ListedMerchant(
                merchant_id=entry.merchant_id,
                name=entry.name,
                domain_id=entry.domain_id,
                domain_name=domains[entry.domain_id],
                area=entry.area,
            )
            for entry in version.entries
        ),
        difference=_difference(version.entries, before.entries if before else ()),
    )


def changes(number: int, *, since: int | None = None) -> list[Change]:
    """Return what a version changed against the one before it, or another; NotFound for none."""
    session = db.session()
    version = queries.get_version(session, number)
    if version is None:
        raise NotFound(f"merchant list version {number}")
    before = queries.get_version(session, number - 1 if since is None else since)
    if since is not None and before is None:
        raise NotFound(f"merchant list version {since}")
    return _changes(version.entries, before.entries if before else ())


def versions() -> Listing[VersionRow]:
    """Return all versions with how many merchants they name, the newest first."""
    return Listing(
        queries.versions_counted(),
        lambda row: VersionRow(version=row.MerchantListVersion, merchants=row.merchants),
    )


def entries(*, number: int | None, name: str = "") -> Listing[MerchantListEntry]:
    """Return whom a version names, by default the one in force; `name` is a part of a name."""
    return Listing(queries.find_entries(number=number, name=name))


def list_publications() -> list[MerchantListVersion]:
    """Return all versions, the newest first."""
    return queries.list_versions(db.session())


def as_csv(published: Publication) -> bytes:
    """Return a publication as UTF-8 CSV with a byte-order mark, which Excel needs.

    A text that a spreadsheet would run as a formula is quoted with an apostrophe.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["商户编号", "商户名称", "领域", "区域", "名单版本"])
    for m in published.merchants:
        row = [m.merchant_id, m.name, m.domain_name, m.area or ""]
        writer.writerow([*map(workbooks.inert, row), published.number])
    return buffer.getvalue().encode("utf-8-sig")


def _name_owner(session: Session, merchant: Merchant, *, actor: str) -> None:
    """Let the contact open the shop's desk from its first day; write it into the history."""
    named = clerks.make_first_owner(session, merchant)
    if named is None:
        return
    step = Step.OWNER_MISSING if named.clerk_id is None else Step.OWNER_MADE
    reason = f"联系人的手机号已是{named.works_at or '另一商户'}的收银员，请在店内页面另定店主"
    note = Act(
        step=step, actor=actor, office="bureau", reason=reason if named.clerk_id is None else None
    )
    merchant_steps.note(session, merchant, note)
    if named.clerk_id is not None:
        subject = f"{merchant.id}/{named.clerk_id}"
        audit.record(session, actor=actor, action="clerk.own", subject=subject)


def _digest(merchants: Sequence[Merchant]) -> str:
    rows = [[m.id, m.name, m.domain_id, m.area] for m in merchants]
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()


def _entries(merchants: Sequence[Merchant]) -> list[MerchantListEntry]:
    return [
        MerchantListEntry(merchant_id=m.id, name=m.name, domain_id=m.domain_id, area=m.area)
        for m in merchants
    ]


def _changes(
    entries: Sequence[MerchantListEntry], before: Sequence[MerchantListEntry]
) -> list[Change]:
    new, old = ({e.merchant_id: e for e in some} for some in (entries, before))
    difference = _difference(entries, before)
    ids = sorted({*difference.added, *difference.removed, *difference.changed})
    return [Change(merchant_id=i, before=old.get(i), now=new.get(i)) for i in ids]


def _difference(
    entries: Sequence[MerchantListEntry], before: Sequence[MerchantListEntry]
) -> Difference:
    new = {e.merchant_id: (e.name, e.domain_id, e.area) for e in entries}
    old = {e.merchant_id: (e.name, e.domain_id, e.area) for e in before}
    return Difference(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        changed=tuple(sorted(i for i in new.keys() & old.keys() if new[i] != old[i])),
    )
