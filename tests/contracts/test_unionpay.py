"""UnionPay's messages against real ones of its test environment, and whom we believe to be it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from backend.devstack import unionpay_keys
from backend.gateways.payments import unionpay_results
from backend.gateways.payments.unionpay_messages import (
    MessageRefused,
    Signer,
    cert_id_of,
    digest_hex,
    parse_answer,
    parse_form,
    reserved_fen,
    sign_string,
    verify_signature,
)
from backend.gateways.payments.unionpay_trust import Trust
from tests.contracts.wechat_parts import load
from tests.unionpay_parts import notice_of, signer_of, trust_of

Vector = dict[str, Any]

ACP = load("unionpay_acp.json")
SAID_BY_UNIONPAY = [*ACP["answers"], *ACP["notifications"]]
FORGED = [vector for vector in ACP["negative"] if "fields" in vector]
MERCHANT = x509.load_pem_x509_certificate(ACP["merchant_certificate_pem"].encode())
NOW = datetime(2023, 4, 28, 2, 1, tzinfo=UTC)
by_id = {"ids": lambda vector: vector["id"]}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unionpay_keys.load_or_make(tmp_path_factory.mktemp("unionpay"))


def certificate_in(fields: dict[str, str]) -> x509.Certificate:
    return x509.load_pem_x509_certificate(fields["signPubKeyCert"].encode())


@pytest.mark.parametrize("vector", [*ACP["requests"], *ACP["secure_key"]], **by_id)
def test_the_signed_text_is_unionpays(vector: Vector) -> None:
    assert sign_string(vector["fields"]) == vector["expect_sign_string"]


@pytest.mark.parametrize("vector", ACP["requests"], **by_id)
def test_a_request_that_unionpay_took_is_read_and_its_signature_holds(vector: Vector) -> None:
    fields = parse_form(vector["form_body"].encode())
    assert fields == vector["fields"]
    assert digest_hex(fields) == vector["expect_sha256_hex"]
    verify_signature(fields, MERCHANT)


def test_a_certificate_is_named_by_its_serial_in_decimal() -> None:
    assert cert_id_of(MERCHANT) == ACP["merchant_cert_id"]
    for vector in ACP["cert_id"]:
        assert str(int(vector["hex_serial"], 16)) == vector["expect"]


@pytest.mark.parametrize("vector", ACP["answers"], **by_id)
def test_an_answer_is_read_though_it_is_not_url_encoded(vector: Vector) -> None:
    fields = parse_answer(vector["raw_body"].encode())
    assert fields == vector["fields"]
    assert "\r\n" in fields["signPubKeyCert"]


@pytest.mark.parametrize("vector", SAID_BY_UNIONPAY, **by_id)
def test_what_unionpay_signed_holds(vector: Vector) -> None:
    assert digest_hex(vector["fields"]) == vector["expect_sha256_hex"]
    verify_signature(vector["fields"], certificate_in(vector["fields"]))


@pytest.mark.parametrize("vector", SAID_BY_UNIONPAY, **by_id)
def test_a_form_keeps_the_certificates_line_ends(vector: Vector) -> None:
    assert parse_form(urlencode(vector["fields"]).encode()) == vector["fields"]


@pytest.mark.parametrize("vector", FORGED, **by_id)
def test_what_was_changed_on_the_way_is_refused(vector: Vector) -> None:
    with pytest.raises(MessageRefused):
        verify_signature(vector["fields"], certificate_in(vector["fields"]))


@pytest.mark.parametrize("vector", SAID_BY_UNIONPAY, **by_id)
def test_even_unionpays_own_certificate_is_refused_when_another_root_is_pinned(
    vector: Vector, keys: Path
) -> None:
    certificate = certificate_in(vector["fields"])
    with pytest.raises(MessageRefused, match="chain"):
        trust_of(keys).check(vector["fields"], at=certificate.not_valid_before_utc)


@pytest.mark.parametrize("vector", ACP["reserved"])
def test_unionpays_own_discount_is_read_in_fen(vector: Vector) -> None:
    discount = int(vector["expect"]["discountAmt"])
    assert reserved_fen(vector, "discountAmt") == discount
    assert reserved_fen(vector, "otherAmt") is None
    assert reserved_fen({}, "discountAmt") is None


@pytest.mark.parametrize("vector", ACP["resp_code_policy"], ids=str)
def test_a_result_code_means_what_unionpay_says(vector: Vector) -> None:
    expected = vector["expect"].split(",")[0].split(":")[0].split(" (")[0]
    match vector["where"]:
        case "request answer":
            found = unionpay_results.of_request(vector["code"])
        case "notification":
            found = unionpay_results.of_notice(vector["code"])
        case _:
            found = unionpay_results.of_query(vector["code"], vector.get("orig"))
    if vector["code"] == "34":
        expected = "absent"  # unknown, too: only `close` tells it apart, when the time is over
    assert found == expected


@pytest.mark.parametrize("code", ["01", "03", "04", "05", "12", "34", "60", "", None])
def test_an_unclear_code_is_never_a_failure(code: str | None) -> None:
    assert unionpay_results.of_request(code) == "unknown"
    assert unionpay_results.of_query("00", code) in ("unknown", "absent")


@pytest.mark.parametrize("code", ["02", "06", "10", "11", "37", "99", "A6", "", None])
def test_a_refused_query_says_nothing_about_the_payment(code: str | None) -> None:
    assert unionpay_results.of_query(code, "00") == "unknown"
    assert unionpay_results.of_query(code, "64") == "unknown"


@pytest.mark.parametrize("code", ["11", "30", "36", "61", "64", "99"])
def test_any_other_code_is_a_failure(code: str) -> None:
    assert unionpay_results.of_request(code) == "failed"
    assert unionpay_results.of_query("00", code) == "failed"
    assert unionpay_results.of_notice(code) == "unknown", "failures are not notified"


def test_we_send_no_empty_field_and_sign_what_we_send(keys: Path) -> None:
    sent = signer_of(keys).sign({"merId": "1", "termId": "", "qrNo": None})
    assert set(sent) == {
        *("merId", "version", "signMethod", "encoding", "certId", "signature"),
    }
    assert sent["version"] == "5.1.0"
    certificate = x509.load_pem_x509_certificate((keys / "merchant.pem").read_bytes())
    assert sent["certId"] == str(certificate.serial_number)
    verify_signature(sent, certificate)


def test_a_key_of_another_certificate_is_refused_and_no_key_is_shown(keys: Path) -> None:
    key, certificate = (keys / "merchant.key").read_bytes(), (keys / "signer.pem").read_bytes()
    with pytest.raises(ValueError, match="of that key"):
        Signer.from_pem(key, certificate)
    assert repr(signer_of(keys)) == f"Signer(cert_id='{signer_of(keys).cert_id}')"


@pytest.mark.parametrize(
    "body",
    [
        b"a=1&a=2",
        b"=1&b=2",
        b"\xff=1",
        "名=值".encode(),
        b"&".join(b"a%d=1" % n for n in range(101)),
    ],
)
def test_a_form_that_can_be_read_in_two_ways_is_refused(body: bytes) -> None:
    with pytest.raises(MessageRefused):
        parse_form(body)


def test_an_answer_keeps_what_stands_in_braces_and_brackets_together() -> None:
    answer = parse_answer(b"a={b=1&c={d=2&e=3}}&f=[g&h=4]&i=j=k&l=")
    assert answer == {"a": "{b=1&c={d=2&e=3}}", "f": "[g&h=4]", "i": "j=k", "l": ""}
    for body in (b"a=1&a=2", b"a=\xff"):
        with pytest.raises(MessageRefused):
            parse_answer(body)


def test_what_the_stand_ins_authority_signed_is_believed(keys: Path) -> None:
    trust_of(keys).check(notice_of(keys), at=NOW)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"version": "5.0.0"}, "SHA-1"),
        ({"version": ""}, "SHA-1"),
        ({"signMethod": "11"}, "certificate"),
        ({"signPubKeyCert": ""}, "no certificate"),
        ({"signPubKeyCert": "-----BEGIN CERTIFICATE-----"}, "cannot be read"),
        ({"signPubKeyCert": "x" * 10_001}, "no certificate"),
        ({"txnAmt": "1"}, "signature"),
        ({"signature": ""}, "signature"),
        ({"signature": "!"}, "signature"),
        ({"extra": "1"}, "signature"),
    ],
)
def test_a_message_with_one_thing_wrong_is_refused(
    keys: Path, changed: dict[str, str], why: str
) -> None:
    with pytest.raises(MessageRefused, match=why):
        trust_of(keys).check({**notice_of(keys), **changed}, at=NOW)


def test_a_certificate_whose_line_ends_were_changed_is_refused(keys: Path) -> None:
    told = notice_of(keys)
    told["signPubKeyCert"] = told["signPubKeyCert"].replace("\r\n", "\n")
    with pytest.raises(MessageRefused, match="signature"):
        trust_of(keys).check(told, at=NOW)


def test_whoever_makes_a_certificate_of_the_same_name_is_refused(
    keys: Path, tmp_path: Path
) -> None:
    """The signature holds, the name is UnionPay's, the authority is not."""
    others = unionpay_keys.load_or_make(tmp_path / "others")
    told = notice_of(others)
    verify_signature(told, certificate_in(told))
    with pytest.raises(MessageRefused, match="chain"):
        trust_of(keys).check(told, at=NOW)


def test_another_customer_of_the_same_authority_is_refused(keys: Path) -> None:
    """Our own certificate is of the same chain; it speaks for us, not for UnionPay."""
    pem = (keys / "merchant.pem").read_text().replace("\n", "\r\n")
    fields = {k: v for k, v in notice_of(keys).items() if k not in ("signature", "certId")}
    told = signer_of(keys).sign({**fields, "signPubKeyCert": pem})
    verify_signature(told, certificate_in(told))
    with pytest.raises(MessageRefused, match="name"):
        trust_of(keys).check(told, at=NOW)


def test_a_certificate_that_may_not_issue_others_makes_no_chain(keys: Path) -> None:
    """A customer's certificate in the place of the middle one, as if it were an authority."""
    root = unionpay_keys.new_key()
    customer = unionpay_keys.new_key()
    leaf = unionpay_keys.new_key()
    top = unionpay_keys.certify("Root", root, issuer=None, issuer_key=root, authority=True)
    middle = unionpay_keys.certify("Shop", customer, issuer=top, issuer_key=root)
    name = f"041@1@{unionpay_keys.SIGNER_NAME}@1"
    bottom = unionpay_keys.certify(name, leaf, issuer=middle, issuer_key=customer)
    pems = [one.public_bytes(Encoding.PEM) for one in (top, middle, bottom)]
    told = Signer.from_pem(unionpay_keys.private_pem(leaf), pems[2]).sign(
        {"signPubKeyCert": pems[2].decode()}
    )
    trust = Trust(root_pem=pems[0], middle_pem=pems[1], signer_cn=unionpay_keys.SIGNER_NAME)
    with pytest.raises(MessageRefused, match="may not issue"):
        trust.check(told, at=NOW)


def test_a_certificate_counts_in_its_own_time_only(keys: Path) -> None:
    begin, end = unionpay_keys.VALID
    for at, believed in (
        (begin, True),
        (end, True),
        (datetime(2014, 12, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2060, 1, 1, 0, 0, 1, tzinfo=UTC), False),
    ):
        if believed:
            trust_of(keys).check(notice_of(keys), at=at)
        else:
            with pytest.raises(MessageRefused, match="time"):
                trust_of(keys).check(notice_of(keys), at=at)


def test_the_test_environments_signer_is_named_in_the_settings(keys: Path) -> None:
    with pytest.raises(MessageRefused, match="name"):
        trust_of(keys, signer_cn="00040000:SIGN").check(notice_of(keys), at=NOW)


def test_a_chain_signed_with_sha_1_is_believed_as_unionpays_own_is() -> None:
    """Its certificates are; a library that refuses them would refuse every answer."""
    made = load("unionpay_sha1_chain.json")
    certificate = certificate_in(made["message"])
    assert certificate.signature_hash_algorithm is not None
    assert certificate.signature_hash_algorithm.name == "sha1"
    real = certificate_in(ACP["answers"][0]["fields"])
    assert real.signature_hash_algorithm is not None
    assert real.signature_hash_algorithm.name == "sha1"
    chain = {"root_pem": made["root"].encode(), "middle_pem": made["middle"].encode()}
    trust = Trust(**chain, signer_cn=unionpay_keys.SIGNER_NAME)
    trust.check(made["message"], at=datetime(2030, 1, 1, tzinfo=UTC))
