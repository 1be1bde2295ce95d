"""Certificates for tests of TLS (see ``certificates``)."""

from certificates import Certificates, certificates

__all__ = ["Certificates", "certificates"]
