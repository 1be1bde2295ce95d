"""libpq's sslmode means here what it means in libpq; an operator's mistake is named."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from pathlib import Path
from typing import Any

import pytest
from devinprod_proxy.errors import ConfigInvalid, UpstreamFault
from devinprod_proxy.server.tls import client_tls, server_tls


async def shaken(settings: dict[str, str], certificate: Path, home: Path, version: Any = None) -> str | None:
    """Shake hands with a server that has *certificate*; the TLS version, or None for no handshake."""
    offered = server_tls(certificate, certificate.with_suffix(".key")).context
    if version is not None:
        offered.minimum_version = offered.maximum_version = version

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=offered)
    tls = client_tls({"host": "127.0.0.1", **settings}, home)
    assert tls.context is not None
    async with server:
        port = server.sockets[0].getsockname()[1]
        try:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=tls.context, server_hostname=tls.hostname
            )
        except (ssl.SSLError, ConnectionResetError):
            return None
        assert await reader.read() == b""
        found = writer.get_extra_info("ssl_object").version()
        writer.close()
        await writer.wait_closed()
        assert isinstance(found, str)
        return found


@pytest.mark.parametrize(
    ("sslmode", "rooted", "certificate", "trusted"),
    [
        ("prefer", False, "stranger", True),
        ("require", False, "stranger", True),
        ("require", False, "server", True),
        ("require", True, "stranger", False),  # a root certificate makes it verify-ca
        ("require", True, "elsewhere", True),
        ("verify-ca", True, "server", True),
        ("verify-ca", True, "elsewhere", True),
        ("verify-ca", True, "stranger", False),
        ("verify-full", True, "server", True),
        ("verify-full", True, "elsewhere", False),
        ("verify-full", True, "stranger", False),
    ],
)
async def test_whom_each_mode_believes(
    certificates: Any, tmp_path: Path, sslmode: str, rooted: bool, certificate: str, trusted: bool
) -> None:
    settings = {"sslmode": sslmode} | ({"sslrootcert": str(certificates.root)} if rooted else {})
    version = await shaken(settings, getattr(certificates, certificate), tmp_path)
    assert (version is not None) == trusted


async def test_the_root_certificate_of_the_home_folder_counts(certificates: Any, tmp_path: Path) -> None:
    (tmp_path / ".postgresql").mkdir()
    shutil.copy(certificates.root, tmp_path / ".postgresql" / "root.crt")
    assert await shaken({"sslmode": "verify-full"}, certificates.server, tmp_path) is not None
    assert await shaken({"sslmode": "require"}, certificates.stranger, tmp_path) is None


async def test_a_certificate_of_the_machines_own_is_needed_for_system(
    certificates: Any, tmp_path: Path
) -> None:
    assert await shaken({"sslrootcert": "system"}, certificates.server, tmp_path) is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_old_versions_of_tls_are_not_spoken(certificates: Any, tmp_path: Path) -> None:
    settings = {"sslmode": "require"}
    version = ssl.TLSVersion.TLSv1_2
    assert await shaken(settings, certificates.server, tmp_path, version) == "TLSv1.2"
    tls = server_tls(certificates.server, certificates.key(certificates.server))
    asked = client_tls({"host": "x", **settings}, tmp_path).context
    assert asked is not None
    assert tls.context.minimum_version == asked.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("settings", "asks", "required"),
    [
        ({"host": "db"}, True, False),
        ({"host": "db", "sslmode": "allow"}, True, False),
        ({"host": "db", "sslmode": "require"}, True, True),
        ({"host": "db", "sslmode": "disable"}, False, False),
        ({"host": "/run/postgresql", "sslmode": "require"}, False, False),
        ({"hostaddr": "10.0.0.1"}, True, False),
    ],
)
def test_when_tls_is_asked_for(settings: dict[str, str], asks: bool, required: bool, tmp_path: Path) -> None:
    tls = client_tls(settings, tmp_path)
    assert (tls.context is not None, tls.required) == (asks, required)


@pytest.mark.parametrize(
    "settings",
    [
        {"sslmode": "strict"},
        {"sslmode": "verify-full"},  # nothing to verify with
        {"sslmode": "require", "sslrootcert": "/nowhere/root.crt"},
        {"sslmode": "require", "sslrootcert": "system"},
        {"sslmode": "require", "sslcert": "/nowhere/client.crt"},
    ],
)
def test_what_cannot_be_meant(settings: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UpstreamFault) as caught:
        client_tls({"host": "db", **settings}, tmp_path)
    assert caught.value.refusal.hint


def test_files_that_are_not_certificates(certificates: Any, tmp_path: Path) -> None:
    junk = tmp_path / "junk.crt"
    junk.write_text("junk")
    key = certificates.key(certificates.server)
    with pytest.raises(UpstreamFault, match="cannot be used"):
        client_tls({"host": "db", "sslrootcert": str(junk)}, tmp_path)
    with pytest.raises(UpstreamFault, match="client certificate"):
        client_tls({"host": "db", "sslcert": str(junk), "sslkey": str(key)}, tmp_path)
    locked = {"sslcert": str(certificates.server), "sslkey": str(certificates.locked_key)}
    with pytest.raises(UpstreamFault, match="client certificate"):
        client_tls({"host": "db", **locked}, tmp_path)
    for certificate, its_key in (
        (junk, key),
        (certificates.server, junk),
        (certificates.server, certificates.key(certificates.elsewhere)),
        (certificates.server, certificates.locked_key),
    ):
        with pytest.raises(ConfigInvalid, match="cannot be used together"):
            server_tls(certificate, its_key)
    with pytest.raises(ConfigInvalid, match=r"missing\.key: No such file"):
        server_tls(certificates.server, tmp_path / "missing.key")


def test_the_certificate_shown_is_the_first_of_the_file(certificates: Any, tmp_path: Path) -> None:
    chain = tmp_path / "chain.crt"
    chain.write_bytes(certificates.server.read_bytes() + certificates.root.read_bytes())
    tls = server_tls(chain, certificates.key(certificates.server))
    assert tls.certificate == ssl.PEM_cert_to_DER_cert(certificates.server.read_text())
