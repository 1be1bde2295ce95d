"""SOCKETS, FILES, CLOCKS, TLS: the only folder that imports asyncio."""
