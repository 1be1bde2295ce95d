"""Who can listen on the way?

Towards clients: the operator's certificate. Towards the target database: libpq's ``sslmode`` and
``sslrootcert``, with libpq's meaning, so that a dsn that works with psql works here. TLS 1.2 is the
oldest version on both sides.

Sources: PostgreSQL manual, 18.9 (Secure TCP/IP Connections with SSL), 32.1.2 and 32.19 (libpq).
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devinprod_proxy.errors import ConfigInvalid, UpstreamFault

_ALPN: Final = ["postgresql"]  # registered with IANA, and asked for since PostgreSQL 17
_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


@dataclass(frozen=True, slots=True)
class ServerTls:
    """What a listener needs: the context, and the certificate (DER) for channel binding."""

    context: ssl.SSLContext
    certificate: bytes


def server_tls(certificate: Path, key: Path) -> ServerTls:
    """Read the operator's certificate chain and private key (PEM).

    Raises ConfigInvalid for a file that cannot be read, is not PEM, or a key of another certificate.
    A key that needs a passphrase is refused: nobody could type it.

    >>> server_tls(Path("missing.crt"), Path("missing.key"))
    Traceback (most recent call last):
    devinprod_proxy.errors.ConfigInvalid: missing.crt: No such file or directory
    """
    for file in (certificate, key):
        try:
            file.read_bytes()
        except OSError as error:
            raise ConfigInvalid(error.strerror or "cannot be read", file=str(file)) from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(_ALPN)
    try:
        context.load_cert_chain(certificate, key, password=_no_passphrase)
        # The first certificate of the file is the one that is shown.
        text = certificate.read_text("ascii", "replace")
        begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
        first = text[text.index(begin) : text.index(end) + len(end)]
        der = ssl.PEM_cert_to_DER_cert(first)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigInvalid(
            "the certificate and the key cannot be used together",
            file=str(certificate),
            hint=f"Both must be PEM, the key ({key}) without passphrase and of this certificate.",
        ) from error
    return ServerTls(context, der)


def _no_passphrase() -> str:
    raise ValueError("the key needs a passphrase")


@dataclass(frozen=True, slots=True)
class ClientTls:
    """What a connection to the target database needs.

    ``context`` None: do not ask for TLS. ``required``: the server's no is the end of it.
    ``hostname``: what to name in SNI, and what a certificate must be for with verify-full.
    """

    context: ssl.SSLContext | None
    required: bool
    hostname: str | None


def client_tls(settings: Mapping[str, str], home: Path | None = None) -> ClientTls:
    """What ``sslmode``, ``sslrootcert``, ``sslcert`` and ``sslkey`` of a resolved dsn ask for.

    As in libpq: the default is ``prefer``; a root certificate that is given, or lies at
    ``~/.postgresql/root.crt``, is used in every mode, so that ``require`` then means ``verify-ca``;
    ``sslrootcert=system`` takes the machine's own and needs ``verify-full``; a socket of this
    machine needs no TLS. Unlike libpq, ``allow`` is ``prefer`` (TLS is asked for first), a failed
    handshake is not tried again in clear, and a certificate's names stand in subjectAltName only.

    Raises UpstreamFault for a mode or a file that cannot be used.

    >>> client_tls({"host": "db", "sslmode": "require"}).required
    True
    """
    host = settings.get("host") or settings.get("hostaddr") or ""
    mode = settings.get("sslmode") or "prefer"
    root = settings.get("sslrootcert", "")
    if mode not in _MODES:
        raise UpstreamFault(
            f'sslmode "{mode}" is not known', hint=f"Use one of {', '.join(_MODES)} in the target's dsn."
        )
    if root == "system":
        if settings.get("sslmode") and mode != "verify-full":
            raise UpstreamFault(
                f'sslmode "{mode}" is too weak for sslrootcert=system',
                hint="Use sslmode=verify-full: anybody can have a certificate that the machine trusts.",
            )
        mode = "verify-full"
    if mode == "disable" or host.startswith(("/", "@")):
        return ClientTls(None, False, None)
    required = mode not in ("allow", "prefer")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(_ALPN)
    context.check_hostname = mode == "verify-full"
    if root == "system":
        context.load_default_certs()
    else:
        _load_roots(context, mode, root, home)
    if settings.get("sslcert"):
        try:
            context.load_cert_chain(
                settings["sslcert"], settings.get("sslkey") or None, password=_no_passphrase
            )
        except (OSError, ValueError) as error:
            raise UpstreamFault(
                "the client certificate for the target database cannot be used",
                hint="Check sslcert and sslkey of the target's dsn: PEM, the key without passphrase.",
            ) from error
    return ClientTls(context, required, host or None)


def _load_roots(context: ssl.SSLContext, mode: str, root: str, home: Path | None) -> None:
    file = Path(root) if root else (home or Path.home()) / ".postgresql" / "root.crt"
    if file.exists():
        try:
            context.load_verify_locations(file)
        except (OSError, ValueError) as error:
            raise UpstreamFault(
                f'root certificate file "{file}" cannot be used', hint="It must hold certificates in PEM."
            ) from error
        context.verify_mode = ssl.CERT_REQUIRED
    elif root or mode.startswith("verify-"):
        raise UpstreamFault(
            f'root certificate file "{file}" does not exist',
            hint="Name it by sslrootcert in the target's dsn, or say sslrootcert=system to trust the "
            "machine's own.",
        )
    else:
        context.verify_mode = ssl.CERT_NONE
