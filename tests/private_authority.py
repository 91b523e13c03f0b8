"""A certificate authority of a test's own, as each cluster has one, and a server's certificate by it."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class PrivateAuthority:
    """The authority's certificate as PEM, and files with a certificate of 127.0.0.1 and its key."""

    pem: str
    certificate: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context


def make_authority(folder: Path, address: str = "127.0.0.1") -> PrivateAuthority:
    """Make a new authority whose server has this address."""
    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("authority", "authority", authority_key.public_key(), authority_key, is_authority=True)
    server = _certificate(address, "authority", server_key.public_key(), authority_key, is_authority=False)
    certificate, key = folder / "server.pem", folder / "server.key"
    certificate.write_bytes(server.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return PrivateAuthority(authority.public_bytes(serialization.Encoding.PEM).decode(), certificate, key)


def _certificate(
    name: str,
    issuer: str,
    public: ec.EllipticCurvePublicKey,
    signs: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    # No key identifiers, as in certificates of many clusters: kubectl does without them too.
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=12))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if not is_authority:
        alternative = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(name))])
        builder = builder.add_extension(alternative, critical=False)
    return builder.sign(signs, hashes.SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
