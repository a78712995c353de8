"""Network addresses as limits and marks see them: whose they are, and of which range."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse(text: str) -> Address | None:
    """Return the address that a text says, an IPv4 address inside IPv6 as what it is."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def range_of(address: Address) -> str:
    """Return the range of an address: /24, of IPv6 the /64 that one subscriber has."""
    prefix = 24 if isinstance(address, ipaddress.IPv4Address) else 64
    return str(ipaddress.ip_network(f"{address}/{prefix}", strict=False))


def behind_proxies(remote: str, forwarded_for: str, *, trusted_proxies: int) -> str:
    """Return the caller's address as the outermost of our own proxies wrote it down.

    What stands further left in X-Forwarded-For is anybody's word; werkzeug's ProxyFix reads alike.
    """
    named = forwarded_for.split(",")
    if not trusted_proxies or len(named) < trusted_proxies:
        return remote
    return named[-trusted_proxies].strip() or remote
