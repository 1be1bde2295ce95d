"""Certificates for tests of TLS: a root, a server of this machine, and what must not be believed."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Certificates:
    """PEM files; each ``.crt`` has its ``.key`` beside it."""

    root: Path  # signs server and elsewhere
    server: Path  # for localhost and 127.0.0.1
    elsewhere: Path  # for db.example
    stranger: Path  # for localhost, but signed by itself
    locked_key: Path  # the server's key, with a passphrase

    @staticmethod
    def key(certificate: Path) -> Path:
        """The key of one of the certificates."""
        return certificate.with_suffix(".key")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made once per session; valid for an hour."""
    folder = tmp_path_factory.mktemp("certificates")
    root_key, root = _certificate("devinprod test root", [], None)
    files = {"root": (root_key, root)}
    local: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    files["server"] = _certificate("localhost", local, (root_key, root))
    files["elsewhere"] = _certificate("db.example", [x509.DNSName("db.example")], (root_key, root))
    files["stranger"] = _certificate("localhost", local, None)
    for name, (key, certificate) in files.items():
        (folder / f"{name}.crt").write_bytes(certificate.public_bytes(Encoding.PEM))
        key_file = folder / f"{name}.key"
        key_file.touch(mode=0o600)
        key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    locked = folder / "locked.key"
    locked.write_bytes(
        files["server"][0].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    )
    return Certificates(
        *(folder / f"{name}.crt" for name in ("root", "server", "elsewhere", "stranger")), locked_key=locked
    )


def _certificate(
    name: str, names: list[x509.GeneralName], issuer: tuple[Key, x509.Certificate] | None
) -> tuple[Key, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer[1].subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return key, builder.sign(key if issuer is None else issuer[0], hashes.SHA256())
