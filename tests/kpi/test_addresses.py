"""Notices are posted out on the internet only, and where they go is checked as it is said."""

import pytest

from kernel.errors import Invalid
from kpi.models.addresses import may_post_to, require_url


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.1.2.3",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
    ],
)
def test_addresses_within_a_network_are_refused(address: str) -> None:
    assert not may_post_to(address, allows_loopback=False)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:4700::1111"])
def test_addresses_on_the_internet_are_fine(address: str) -> None:
    assert may_post_to(address, allows_loopback=False)


@pytest.mark.parametrize(
    ("url", "alone", "in_production"),
    [
        ("https://hooks.example.com/a?b=c", True, True),
        ("https://93.184.215.14:8443/", True, True),
        ("http://127.0.0.1:9000/x", True, False),
        ("http://localhost/x", True, False),
        ("https://localhost/x", True, False),
        ("http://[::1]/x", True, False),
        ("http://hooks.example.com/", False, False),
        ("https://10.0.0.1/", False, False),
        ("https://[fd00::1]/", False, False),
        ("https://name:secret@hooks.example.com/", False, False),
        ("ftp://hooks.example.com/", False, False),
        ("https://hooks.example.com:port/", False, False),
        ("https://hooks.example.com/#part", False, False),
        ("https:///x", False, False),
        ("https://例子.example/", False, False),
        ("https://hooks.example.com/" + "x" * 500, False, False),
        ("", False, False),
    ],
)
def test_addresses_are_checked_when_they_are_said(url: str, alone: bool, in_production: bool) -> None:
    for allows_loopback, is_fine in ((True, alone), (False, in_production)):
        if is_fine:
            assert require_url(f" {url} ", allows_loopback=allows_loopback) == url
        else:
            with pytest.raises(Invalid):
                require_url(url, allows_loopback=allows_loopback)
