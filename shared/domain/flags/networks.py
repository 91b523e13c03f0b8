"""IP addresses and networks of both versions. An IPv4 address that is written as one of version 6 is itself."""

from dataclasses import dataclass

from shared.domain.flags.model import Json

_LONGEST = 64
"""Of what is read at all: the longest address and mask have fewer characters."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address as a number."""

    version: int
    number: int


@dataclass(frozen=True, slots=True)
class Network:
    """The addresses of a network, which begin with the same bits."""

    version: int
    first: int
    mask: int

    def holds(self, address: Address) -> bool:
        """Whether the address lies in it."""
        return address.version == self.version and address.number & self.mask == self.first


def address_of(value: Json) -> Address | None:
    """Return the address, None where the value is none."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    from ipaddress import IPv6Address, ip_address  # few flags ask for it, and every cold start would pay

    try:
        read = ip_address(value)
    except ValueError:
        return None
    if isinstance(read, IPv6Address) and read.ipv4_mapped is not None:
        read = read.ipv4_mapped
    return Address(read.version, int(read))


def network_of(value: Json) -> Network | None:
    """Return the network, None where the value is none. An address is the network of itself alone."""
    if not isinstance(value, str) or len(value) > _LONGEST or "%" in value:
        return None
    from ipaddress import IPv4Network, IPv6Network, ip_network

    try:
        read: IPv4Network | IPv6Network = ip_network(value, strict=False)
    except ValueError:
        return None
    if isinstance(read, IPv6Network) and read.prefixlen >= _MAPPED and read.network_address.ipv4_mapped is not None:
        read = IPv4Network((int(read.network_address.ipv4_mapped), read.prefixlen - _MAPPED))
    return Network(read.version, int(read.network_address), int(read.netmask))


_MAPPED = 96
"""So many bits come before an IPv4 address that is written as one of version 6."""
