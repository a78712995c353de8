"""Whom we believe to be UnionPay: a certificate of its own chain, named as its own, in its time.

Every message brings the certificate it is to be checked with. That proves nothing by itself, for
anybody can sign with a certificate he made. So the chain must end at the root that the operator
was given, and the name must be UnionPay's.
"""

from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from backend.gateways.payments.unionpay_messages import (
    SIGN_METHOD,
    VERSION,
    Fields,
    MessageRefused,
    verify_signature,
)

MAX_CERTIFICATE_CHARS = 10_000


class Trust:
    """Checks messages against a pinned root, its middle certificate and the signer's name.

    The chain is checked by hand, because the library's own checks want a subject alternative name
    and refuse SHA-1, and certificates that UnionPay signs with have the latter and not the former.
    Whoever could forge one would need the pinned authority to sign what he made up.

    :param signer_cn: the third part between `@` of the signer's common name
    """

    def __init__(self, *, root_pem: bytes, middle_pem: bytes, signer_cn: str) -> None:
        self._root = x509.load_pem_x509_certificate(root_pem)
        self._middle = x509.load_pem_x509_certificate(middle_pem)
        self._signer_cn = signer_cn

    def check(self, fields: Fields, *, at: datetime) -> None:
        """Raise MessageRefused unless UnionPay signed these fields with version 5.1.0.

        :param at: the moment at which the certificates must be valid
        """
        if fields.get("version") != VERSION:
            raise MessageRefused("not version 5.1.0: older ones are signed with SHA-1")
        if fields.get("signMethod") != SIGN_METHOD:
            raise MessageRefused("not signed with a certificate")
        certificate = _certificate(fields.get("signPubKeyCert", ""))
        self._check_chain(certificate, at)
        self._check_name(certificate)
        verify_signature(fields, certificate)

    def _check_chain(self, certificate: x509.Certificate, at: datetime) -> None:
        for lower, upper in ((certificate, self._middle), (self._middle, self._root)):
            if not _issued_by(lower, upper):
                raise MessageRefused("the certificate is not of UnionPay's chain")
            if not _may_issue(upper):
                raise MessageRefused("a certificate of the chain may not issue others")
        for one in (certificate, self._middle, self._root):
            if not one.not_valid_before_utc <= at <= one.not_valid_after_utc:
                raise MessageRefused("a certificate of the chain is not valid at this time")

    def _check_name(self, certificate: x509.Certificate) -> None:
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        parts = str(names[0].value).split("@") if len(names) == 1 else []
        if len(parts) < 3 or parts[2] != self._signer_cn:
            raise MessageRefused("the certificate is not in UnionPay's name")


def _certificate(text: str) -> x509.Certificate:
    if not text or len(text) > MAX_CERTIFICATE_CHARS:
        raise MessageRefused("the message brings no certificate")
    try:
        return x509.load_pem_x509_certificate(text.encode("ascii"))
    except ValueError:
        raise MessageRefused("the message's certificate cannot be read") from None


def _issued_by(lower: x509.Certificate, upper: x509.Certificate) -> bool:
    key, hashed = upper.public_key(), lower.signature_hash_algorithm
    if lower.issuer != upper.subject or not isinstance(key, rsa.RSAPublicKey) or hashed is None:
        return False
    try:
        key.verify(lower.signature, lower.tbs_certificate_bytes, padding.PKCS1v15(), hashed)
    except (InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _may_issue(certificate: x509.Certificate) -> bool:
    """Whether it is an authority's: else any customer of the authority could sign for UnionPay."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
