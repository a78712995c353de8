"""The pledge in versions, and shops that sign it."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from backend.domain.applicants import ApplicantInvalid, MerchantIdentityTaken
from backend.domain.errors import NotFound
from backend.domain.onboarding import MerchantStatusRefused
from backend.extensions import db
from backend.services import (
    merchant_files,
    merchant_steps,
    merchant_work,
    merchants,
    pledges,
    standings,
)
from backend.services.personal_data import vault
from backend.storage.models.merchants import Merchant
from backend.storage.models.onboarding import Pledge, PledgeText
from backend.storage.sql import transaction
from tests import joining
from tests.factories import City, rows
from tests.joining import TEXT, applicant, signature
from tests.subsidising import picture


def test_each_text_is_a_version_with_its_digest_and_the_same_again_is_none(city: City) -> None:
    with pytest.raises(NotFound):
        pledges.current_text()
    first = pledges.issue_text(f"{TEXT}\n", actor="郑审批")
    assert (first.version, first.digest) == (1, hashlib.sha256(TEXT.encode()).hexdigest())
    assert pledges.issue_text(TEXT, actor="孙经办").version == 1
    assert pledges.issue_text(f"{TEXT}违者取消参与资格。", actor="郑审批").version == 2
    assert [row.text for row in rows(PledgeText)][0] == TEXT
    assert pledges.current_text().version == 2
    for wrong in (" ", "字" * 20_001):
        with pytest.raises(ApplicantInvalid):
            pledges.issue_text(wrong, actor="郑审批")


def test_who_signs_gets_the_next_number_and_what_he_signed_is_kept(city: City) -> None:
    pledges.issue_text(TEXT, actor="郑审批")
    merchant = pledges.sign(applicant(), signature(), scan=picture(), actor=joining.BANK)
    assert (merchant.id, merchant.status) == ("TJ0017", "pledged")
    (pledge,) = rows(Pledge)
    assert (pledge.text_version, pledge.signed_by, pledge.signed_on) == (
        *(1, "王店主"),
        date(2023, 4, 20),
    )
    media_type, _ = merchant_files.read(pledge.scan_digest, merchant_id="TJ0017", actor="孙经办")
    assert media_type == "image/jpeg"
    row = db.session.get_one(Merchant, "TJ0017")
    assert b"13800138000" not in row.phone_encrypted
    assert vault().decrypt(row.phone_encrypted) == "13800138000"
    assert pledges.of_merchant("TJ0001") is None


def test_a_wrong_shop_is_refused_with_every_fault_and_nothing_is_written(city: City) -> None:
    pledges.issue_text(TEXT, actor="郑审批")
    with pytest.raises(ApplicantInvalid) as refused:
        pledges.sign(applicant(phone="1"), signature(text_version=2), actor=joining.BANK)
    faults = refused.value.details["faults"]
    assert [fault["where"] for fault in faults] == ["联系电话", "承诺书版本"]  # type: ignore[attr-defined, index]
    assert rows(Pledge) == []


@pytest.mark.parametrize("field", ["uscc", "licence_number"])
def test_a_licence_is_one_merchants_and_staff_are_told_whose(city: City, field: str) -> None:
    merchant_id = joining.pledged(1)
    taken = {field: getattr(applicant(1), field)}
    with pytest.raises(MerchantIdentityTaken) as refused:
        pledges.sign(applicant(2, **taken), signature(), actor=joining.BANK)
    assert refused.value.details["merchant_id"] == merchant_id
    with pytest.raises(IntegrityError), transaction() as session:
        setattr(session.get_one(Merchant, "TJ0001"), field, taken[field])


def test_shops_without_a_licence_number_do_not_share_one(city: City) -> None:
    pledges.issue_text(TEXT, actor="郑审批")
    shops = [joining.applicant(n, licence_number=None) for n in (1, 2)]
    ids = [pledges.sign(shop, signature(), actor=joining.BANK).id for shop in shops]
    assert ids == ["TJ0017", "TJ0018"]


def test_8_banks_that_enter_one_shop_at_once_make_one_merchant(city: City) -> None:
    pledges.issue_text(TEXT, actor="郑审批")

    def one(_: int) -> str:
        with city.app.app_context():
            try:
                return pledges.sign(applicant(), signature(), actor=joining.BANK).id
            except MerchantIdentityTaken as error:
                return f"of {error.details['merchant_id']}"

    with ThreadPoolExecutor(8) as pool:
        said = sorted(pool.map(one, range(8)))
    assert said == ["TJ0017", *["of TJ0017"] * 7]


def test_an_application_follows_the_pledge_once(city: City) -> None:
    merchant_id = joining.pledged()
    assert pledges.apply(merchant_id, "pos", actor=joining.BANK).applied_for == "pos"
    with pytest.raises(MerchantStatusRefused):
        pledges.apply(merchant_id, "placard", actor=joining.BANK)
    with pytest.raises(NotFound):
        pledges.apply("TJ9999", "pos", actor=joining.BANK)


NEW_TEXT = f"{TEXT}违者取消参与资格。"


def again(merchant_id: str, *, version: int = 2, **changed: Any) -> Pledge:
    given = {"signed_by": "王店主", "signed_on": date(2023, 4, 28), "actor": joining.BANK}
    return pledges.sign_again(merchant_id, text_version=version, **given | changed)


def test_who_signed_an_earlier_text_signs_again_and_keeps_his_standing(city: City) -> None:
    shop = joining.reported()
    joining.passed(shop)
    assert not pledges.wants_signature(shop)
    pledges.issue_text(NEW_TEXT, actor="郑审批")
    assert pledges.wants_signature(shop)
    assert not pledges.wants_signature("TJ0001")  # came with the programme and signed nothing here
    assert [m.id for m in merchant_work.find(pledge="outdated").each()] == [shop]
    assert merchants.get(shop).status == "passed"
    again(shop, scan=picture())
    assert (pledges.wants_signature(shop), pledges.count_outdated()) == (False, 0)
    assert [row.text_version for row in rows(Pledge)] == [1, 2]
    step = merchant_steps.history(shop)[-1]
    assert (step.step, step.outcome, step.office) == ("pledged_again", "passed", "bank")
    assert step.evidence_digest


def test_a_version_is_signed_once_however_often_it_is_sent(city: City) -> None:
    shop = joining.pledged()
    pledges.issue_text(NEW_TEXT, actor="郑审批")

    def one(n: int) -> str:
        with city.app.app_context():
            return again(shop, signed_by=f"店主{n}").signed_by

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(one, range(8)))) == 1
    assert [s.step for s in merchant_steps.history(shop)] == ["pledged", "pledged_again"]


def test_neither_an_old_text_nor_a_day_to_come_is_signed_nor_by_who_lost_his_place(
    city: City,
) -> None:
    shop = joining.pledged()
    pledges.issue_text(NEW_TEXT, actor="郑审批")
    for wrong in ({"version": 1}, {"version": 3}, {"signed_on": date(2023, 4, 29)}):
        with pytest.raises(ApplicantInvalid):
            again(shop, **wrong)
    standings.propose_disqualification(shop, actor="孙经办", reason="套现")
    standings.confirm_disqualification(shop, actor="郑审批", reason="属实")
    with pytest.raises(MerchantStatusRefused):
        again(shop)
    assert pledges.count_outdated() == 0
    assert len(rows(Pledge)) == 1
