"""A password is proved without being sent, and nobody learns who exists."""

from __future__ import annotations

import re
import ssl
from typing import Any

import pytest
from devinprod_proxy.errors import ClientFault, DevinprodError, UpstreamFault
from devinprod_proxy.pgwire.scram import (
    SCRAM,
    SCRAM_PLUS,
    ClientScram,
    ServerScram,
    certificate_binding,
    make_verifier,
    mock_verifier,
    parse_verifier,
)
from hypothesis import given, settings
from hypothesis import strategies as st

VERIFIER = make_verifier("s3cret")
SECRET = b"0123456789abcdef"


@pytest.fixture(scope="session")
def der(certificates: Any) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificates.server.read_text())


def exchange(server: ServerScram, client: ClientScram, offered: tuple[str, ...] | None = None) -> str:
    mechanism, first = client.first(server.mechanisms if offered is None else offered)
    client.finish(server.final(client.final(server.first(mechanism, first))))
    return mechanism


def test_the_right_password() -> None:
    assert exchange(ServerScram(VERIFIER), ClientScram("ann", "s3cret")) == SCRAM


def test_over_tls_the_exchange_is_bound_to_the_certificate(der: bytes) -> None:
    client = ClientScram("ann", "s3cret", der)
    assert exchange(ServerScram(VERIFIER, der), client) == SCRAM_PLUS
    assert client.bound


def test_another_certificate_in_between_is_noticed(der: bytes, certificates: Any) -> None:
    other = ssl.PEM_cert_to_DER_cert(certificates.stranger.read_text())
    with pytest.raises(ClientFault) as caught:
        exchange(ServerScram(VERIFIER, der), ClientScram("ann", "s3cret", other))
    assert caught.value.refusal.sqlstate == "28P01"


def test_a_client_without_channel_binding_is_served_over_tls(der: bytes) -> None:
    assert exchange(ServerScram(VERIFIER, der), ClientScram("ann", "s3cret"), (SCRAM,)) == SCRAM


def test_hiding_channel_binding_from_a_client_is_noticed(der: bytes) -> None:
    """Somebody strikes SCRAM-SHA-256-PLUS out of the offer: the client says that it would have liked it."""
    with pytest.raises(ClientFault):
        exchange(ServerScram(VERIFIER, der), ClientScram("ann", "s3cret", der), (SCRAM,))


def test_a_server_without_channel_binding_is_spoken_to(der: bytes) -> None:
    assert exchange(ServerScram(VERIFIER), ClientScram("ann", "s3cret", der)) == SCRAM


def test_a_wrong_password() -> None:
    with pytest.raises(ClientFault) as caught:
        exchange(ServerScram(VERIFIER), ClientScram("ann", "wrong"))
    assert caught.value.refusal.sqlstate == "28P01"


def test_an_impostor_who_lets_everybody_in_is_noticed() -> None:
    client = ClientScram("ann", "s3cret")
    server = ServerScram(VERIFIER)
    client.final(server.first(*client.first(server.mechanisms)))
    with pytest.raises(UpstreamFault, match="could not prove"):
        client.finish(b"v=" + b"A" * 43 + b"=")


def test_libpq_leaves_the_name_empty_and_others_do_not() -> None:
    for name in (b"", b"*", b"ann"):
        answer = ServerScram(VERIFIER).first(SCRAM, b"n,,n=" + name + b",r=rOprNGfwEbeRWgbNEkqO")
        assert answer.startswith(b"r=rOprNGfwEbeRWgbNEkqO")


def test_nobody_looks_like_somebody() -> None:
    mock = mock_verifier(SECRET, "eve")
    assert mock == mock_verifier(SECRET, "eve")
    assert mock != mock_verifier(SECRET, "bob")
    assert mock != mock_verifier(b"x" * 16, "eve")
    assert [len(part) for part in re.split(r"[$:]", mock)] == [len(p) for p in re.split(r"[$:]", VERIFIER)]
    assert parse_verifier(mock).iterations == parse_verifier(VERIFIER).iterations
    for password in ("s3cret", "eve", "x"):
        with pytest.raises(ClientFault, match="password authentication failed"):
            exchange(ServerScram(mock), ClientScram("eve", password))


def test_the_form_is_that_of_postgres() -> None:
    # What PostgreSQL stores for the password "pencil" with this salt (RFC 7677's example).
    stored = (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
        "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )
    assert exchange(ServerScram(stored), ClientScram("user", "pencil")) == SCRAM


@pytest.mark.parametrize(
    "text", ["", "s3cret", "md5abc", VERIFIER[:-1], VERIFIER + "x", "SCRAM-SHA-256$1:x$y:z"]
)
def test_what_is_no_verifier_is_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="not a SCRAM-SHA-256 verifier") as caught:
        parse_verifier(text)
    assert not text or text not in str(caught.value)


def test_too_few_iterations_are_refused() -> None:
    with pytest.raises(ValueError, match="weaker"):
        parse_verifier(VERIFIER.replace("$4096:", "$1000:"))


@pytest.mark.parametrize("password", ["", "a\x07b", "\u0378"])
def test_a_password_that_cannot_be_one(password: str) -> None:
    with pytest.raises(ValueError, match="password"):
        make_verifier(password)


def test_a_certificate_whose_signature_names_no_hash_is_not_bound_to() -> None:
    assert certificate_binding(None) is None
    assert certificate_binding(b"not a certificate") is None


def test_no_known_mechanism() -> None:
    with pytest.raises(UpstreamFault, match="no SASL mechanism"):
        ClientScram("ann", "x").first(["OAUTHBEARER"])
    with pytest.raises(UpstreamFault, match="no SASL mechanism"):
        ClientScram("ann", "x").first([SCRAM_PLUS])  # impossible without TLS
    with pytest.raises(ClientFault):
        ServerScram(VERIFIER).first(SCRAM_PLUS, b"p=tls-server-end-point,,n=,r=abcdefgh")


WORDS = b"n y p= tls-server-end-point a= , n= r= c=biws i= 4096 s= W22ZaJ0SNY7soEsUEjb6gQ== m= \xff \0 v= e="
PIECES = st.lists(st.sampled_from(WORDS.split()) | st.binary(max_size=4), max_size=14).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(first=PIECES | st.just(b"n,,n=,r=abcdefgh"), final=PIECES)
def test_any_bytes_of_a_client_are_a_fault(first: bytes, final: bytes) -> None:
    server = ServerScram(VERIFIER)
    with pytest.raises(ClientFault):
        server.final(final if server.first(SCRAM, first) else b"")


@settings(max_examples=300, deadline=None)
@given(first=PIECES, final=PIECES)
def test_any_bytes_of_a_server_are_a_fault(first: bytes, final: bytes) -> None:
    client = ClientScram("ann", "s3cret")
    client.first([SCRAM])
    with pytest.raises(DevinprodError) as caught:
        client.finish(final if client.final(first) else b"")
    assert isinstance(caught.value, UpstreamFault)
