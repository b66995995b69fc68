# SPDX-License-Identifier: Apache-2.0
"""The webhook's own certificate: made, and judged whether it must be made again. Pure.

Called by certificate_keeper.py. It is self-signed, so it is its own CA: the API server trusts the
certificates in the webhook's configuration, which are this one and the one before it. A CA of its
own would add a second key to keep and a second lifetime to renew.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from exposedapp.admission.serving_secret import ServingSecret

LIFETIME = timedelta(days=90)
RENEW_BEFORE_END = timedelta(days=30)
CLOCK_SKEW = timedelta(hours=1)
"""How far the clock of an API server may be behind."""

MAX_COMMON_NAME_LENGTH = 64
"""Source: ub-common-name in RFC 5280."""


def renewed(secret: ServingSecret, dns_name: str, now: datetime) -> ServingSecret:
    """The same with a certificate that is valid for RENEW_BEFORE_END at least."""
    if is_usable(secret, dns_name, now + RENEW_BEFORE_END):
        return secret
    # Until every replica serves the new one, the old one is trusted as well.
    former = secret.certificate if is_usable(secret, dns_name, now) else ""
    certificate, key = make_certificate(dns_name, now)
    return replace(secret, certificate=certificate, key=key, trusted=certificate + former)


def is_usable(secret: ServingSecret, dns_name: str, now: datetime) -> bool:
    """Whether the certificate is of this name and key, trusted, and valid at this moment."""
    try:
        certificate = x509.load_pem_x509_certificate(secret.certificate.encode())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        key = load_pem_private_key(secret.key.encode(), password=None)
    except (ValueError, TypeError, x509.ExtensionNotFound):
        return False
    return (
        key.public_key() == certificate.public_key()
        and secret.certificate in secret.trusted
        and dns_name in names.value.get_values_for_type(x509.DNSName)
        and certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc
    )


def make_certificate(dns_name: str, now: datetime) -> tuple[str, str]:
    """A certificate for a server of this name, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, dns_name[:MAX_COMMON_NAME_LENGTH])]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(dns_name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(Encoding.PEM).decode(),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    )
