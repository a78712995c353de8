"""The pledge (承诺书): its versions, and shops that sign it and so enter the chain.

Source: plan, part seven: 商户到银行机构签订承诺书、申请POS机或码牌.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend import clock
from backend.domain import applicants as rules
from backend.domain.applicants import Applicant, ApplicantInvalid, AppliedFor, Signature
from backend.domain.errors import NotFound
from backend.domain.merchant_steps import STATUS_NAMES, Office, Step
from backend.domain.onboarding import MerchantStatusRefused
from backend.domain.reconciliation import Fault
from backend.extensions import db
from backend.services import audit, merchant_files, merchant_steps
from backend.services.merchant_steps import Act
from backend.services.personal_data import vault
from backend.storage.models.merchants import Merchant
from backend.storage.models.onboarding import Pledge, PledgeText
from backend.storage.models.programmes import Programme
from backend.storage.queries import onboarding as queries
from backend.storage.sql import transaction

MAX_TEXT = 20_000  # characters


@dataclass(frozen=True, kw_only=True)
class Pledged:
    """A shop, its signature, and the digest of the paper's scan."""

    applicant: Applicant
    signature: Signature
    scan_digest: str | None = None


def issue_text(text: str, *, actor: str) -> PledgeText:
    """Issue the pledge's next version; a text equal to the one in force changes nothing.

    Merchants that signed an earlier version stay bound by that one, and keep their standing, until
    they sign again (`sign_again`).
    """
    said = text.strip()
    if not 1 <= len(said) <= MAX_TEXT:
        reason = f"须为 1 至 {MAX_TEXT} 字"
        raise ApplicantInvalid([Fault(line=0, where="承诺书", reason=reason)])
    digest = hashlib.sha256(said.encode()).hexdigest()
    with transaction() as session:
        programme_held(session)
        newest = queries.newest_text(session)
        if newest is not None and newest.digest == digest:
            return newest
        made = PledgeText(
            version=1 if newest is None else newest.version + 1,
            text=said,
            digest=digest,
            issued_by=actor,
            issued_at=clock.now(),
        )
        session.add(made)
        session.flush()
        audit.record(
            session, actor=actor, action="pledge.issue", subject=str(made.version), digest=digest
        )
    return made


def current_text() -> PledgeText:
    """Return the pledge in force; NotFound before the first is issued."""
    found = queries.newest_text(db.session())
    if found is None:
        raise NotFound("no pledge is issued")
    return found


def texts() -> list[PledgeText]:
    """Return all versions, the newest first."""
    return queries.list_texts(db.session())


def of_merchant(merchant_id: str) -> Pledge | None:
    """Return what a merchant signed last; None for one that came with the programme."""
    return queries.get_pledge(db.session(), merchant_id)


def sign(
    applicant: Applicant, signature: Signature, *, scan: bytes | None = None, actor: str
) -> Merchant:
    """Enter a shop that has signed the pledge; it gets its number and is `pledged`.

    Raises ApplicantInvalid with every fault, MerchantIdentityTaken, EvidenceRefused.
    """
    digest = merchant_files.keep(scan)
    try:
        with transaction() as session:
            programme = programme_held(session)
            if faults := faults_of(session, applicant, signature):
                raise ApplicantInvalid([Fault(line=0, where=w, reason=r) for w, r in faults])
            refuse_taken(session, applicant)
            pledged = Pledged(applicant=applicant, signature=signature, scan_digest=digest)
            return enter(session, programme, pledged, actor=actor)
    except IntegrityError:  # a programme's file was loaded at once
        refuse_taken(db.session(), applicant)
        raise


def sign_again(
    merchant_id: str,
    *,
    signed_by: str,
    signed_on: date,
    text_version: int,
    scan: bytes | None = None,
    office: Office = "bank",
    actor: str,
) -> Pledge:
    """Note that a merchant has signed the pledge in force; its standing stays as it is.

    The same version again is the first signature. Raises ApplicantInvalid, also for a version that
    is not in force any more, MerchantStatusRefused for who has lost his place, NotFound.
    """
    signature = Signature(text_version=text_version, signed_by=signed_by, signed_on=signed_on)
    digest = merchant_files.keep(scan)
    with transaction() as session:
        merchant = merchant_steps.locked(session, merchant_id)
        if merchant.status == "disqualified":
            status = STATUS_NAMES[merchant.status]
            raise MerchantStatusRefused("pledge", details={"status": status})
        newest = queries.newest_text(session)
        in_force = {newest.version} if newest is not None else set()
        if faults := list(rules.signature_faults(signature, in_force, today=clock.today())):
            raise ApplicantInvalid([Fault(line=0, where=w, reason=r) for w, r in faults])
        known = session.get(Pledge, (merchant_id, text_version))
        if known is not None:
            return known
        made = _signed(merchant, signature, digest, actor=actor)
        session.add(made)
        again = Act(
            step=Step.PLEDGED_AGAIN,
            actor=actor,
            office=office,
            reason=f"第 {text_version} 版，{signed_by} 签订",
            evidence_digest=digest,
        )
        merchant_steps.note(session, merchant, again)
    return made


def wants_signature(merchant_id: str) -> bool:
    """Tell whether a merchant's last signature is under a text that is in force no more."""
    return db.session.scalar(queries.pledged_before(merchant_id)) is not None


def count_outdated() -> int:
    """Return how many merchants are to sign the pledge again."""
    outdated = queries.pledged_before().subquery()
    return db.session.scalar(select(func.count()).select_from(outdated)) or 0


def apply(merchant_id: str, applied_for: AppliedFor, *, actor: str) -> Merchant:
    """Note that a shop has applied at its bank for a POS terminal or a placard."""
    with transaction() as session:
        merchant = merchant_steps.locked(session, merchant_id)
        enter_application(session, merchant, applied_for, actor=actor)
    return merchant


def enter_application(
    session: Session, merchant: Merchant, applied_for: AppliedFor, *, actor: str
) -> None:
    """Move a locked merchant from `pledged` to `applied`."""
    merchant_steps.take(session, merchant, Act(step=Step.APPLIED, actor=actor, office="bank"))
    merchant.applied_for = applied_for


def faults_of(
    session: Session, applicant: Applicant, signature: Signature
) -> Sequence[tuple[str, str]]:
    """Return (column, reason) of all that is wrong with a shop's own words."""
    return [
        *rules.applicant_faults(applicant, queries.domain_ids(session)),
        *rules.signature_faults(signature, queries.text_versions(session), today=clock.today()),
    ]


def refuse_taken(session: Session, applicant: Applicant) -> None:
    """Refuse a licence that is another merchant's, whatever became of that one."""
    fields = {"统一社会信用代码": Merchant.uscc == applicant.uscc}
    if applicant.licence_number is not None:
        fields["营业执照编号"] = Merchant.licence_number == applicant.licence_number
    for field, condition in fields.items():
        if holder := queries.holder_of(session, condition):
            raise rules.MerchantIdentityTaken(
                f"{field} of {holder}", details={"field": field, "merchant_id": holder}
            )


def enter(session: Session, programme: Programme, pledged: Pledged, *, actor: str) -> Merchant:
    """Write a checked shop with its pledge, under the programme's lock."""
    facts = {name: said for name, said in vars(pledged.applicant).items() if name != "phone"}
    phone = pledged.applicant.phone
    merchant = Merchant(
        id=_next_id(queries.merchant_ids(session)),
        programme_id=programme.id,
        status="pledged",
        phone_encrypted=vault().encrypt(phone),
        phone_last4=phone[-4:],
        **facts,
    )
    session.add(merchant)
    session.flush()
    session.add(_signed(merchant, pledged.signature, pledged.scan_digest, actor=actor))
    merchant_steps.begin(session, merchant, actor=actor)
    return merchant


def _signed(merchant: Merchant, signature: Signature, digest: str | None, *, actor: str) -> Pledge:
    return Pledge(
        merchant_id=merchant.id,
        scan_digest=digest,
        recorded_by=actor,
        recorded_at=clock.now(),
        **vars(signature),
    )


def programme_held(session: Session) -> Programme:
    """Return the programme; who holds it numbers merchants alone. NotFound before it is loaded."""
    programme = queries.lock_programme(session)
    if programme is None:
        raise NotFound("no programme is loaded")
    return programme


def _next_id(taken: Sequence[str]) -> str:
    """Return the next number with the letters of the highest: TJ0016 -> TJ0017."""
    highest = max(taken, key=lambda id_: int(id_[2:]), default="SH0000")
    return f"{highest[:2]}{int(highest[2:]) + 1:04d}"
