from ipaddress import ip_address

import pytest

from notification.domain.addresses import UrlRefused, check_url, is_public

INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "2002:a9fe:a9fe::1",
    "2001:0:7f00:1::1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
]


@pytest.mark.parametrize("address", INSIDE)
def test_what_lies_inside_is_not_public_however_it_is_wrapped(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "2002:101:101::1"])
def test_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.acme.example",
        "https://hooks.acme.example:8443/a/b?key=1&x=%20",
        "https://HOOKS.acme.example/",
        "https://1.1.1.1/x",
        "https://[2606:4700::1111]/x",
    ],
)
def test_a_url_of_the_internet_over_tls_is_accepted(url: str) -> None:
    assert check_url(url, allow_local=False).scheme == "https"


REFUSED = [
    "http://hooks.acme.example/",
    "ftp://hooks.acme.example/",
    "//hooks.acme.example/",
    "hooks.acme.example",
    "https://",
    "https:///path",
    "https://hooks.acme.example:22/",
    "https://hooks.acme.example:80/",
    "https://hooks.acme.example:99999/",
    "https://hooks.acme.example:x/",
    "https://ada:secret@hooks.acme.example/",
    "https://@hooks.acme.example/",
    "https://hooks.acme.example/#part",
    "https://hooks.acme.example/#",
    "https://hooks.acme.example/a b",
    "https://hooks.acme.example/\r\nHost: inside",
    "https://hooks.acme.example\\@inside/",
    "https://hööks.example/",
    "https://hooks..example/",
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[fe80::1%25eth0]/",
    "https://169.254.169.254/latest/meta-data",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://127.1/",
    "https://0177.0.0.1/",
    "https://hooks.acme.example/" + "x" * 2000,
    "https://" + "a" * 254 + ".example/",
]


@pytest.mark.parametrize("url", REFUSED)
def test_any_other_url_is_refused_with_a_word_about_it(url: str) -> None:
    with pytest.raises(UrlRefused) as refusal:
        check_url(url, allow_local=False)

    assert refusal.value.errors["url"][0]


def test_a_local_stack_takes_local_urls_without_tls_and_still_no_nonsense() -> None:
    check_url("http://127.0.0.1:8123/hook", allow_local=True)

    for url in ("ftp://127.0.0.1/", "http://ada:secret@127.0.0.1/", "http://2130706433/"):
        with pytest.raises(UrlRefused):
            check_url(url, allow_local=True)
