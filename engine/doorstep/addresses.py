"""Web addresses that settings and plugins give: only what a browser cannot read as anything but the web. And what shoppers
write where they want to be reached: only what cannot be anything but one address."""

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import urlsplit

# A browser drops tabs and line breaks inside an address and reads a backslash as a slash, so none may be there; nor may a
# user's name stand in front of the host, which makes one host look like another.
_NEVER = r"\x00-\x20\x7f\\\"<>"
_SAFE = rf"[^{_NEVER}]"
_WEB = re.compile(rf"https?://(?![:/?#])[^{_NEVER}@/?#]+([/?#]{_SAFE}*)?", re.IGNORECASE)
_PATH = re.compile(rf"/(?!/){_SAFE}*")


def is_web_address(text: str, *, paths: bool = False) -> bool:
    """Whether a text is an http(s) address with a host or, where `paths` are taken, a path of this very host."""
    return (_WEB.fullmatch(text) is not None and host_of(text) != "") or (paths and _PATH.fullmatch(text) is not None)


def host_of(address: str) -> str:
    """The host of an address, with its port; "" where there is none, or what stands there cannot be one (`https://[x/`)."""
    try:
        return urlsplit(address).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def may_show(image: str, hosts: Iterable[str]) -> bool:
    """Whether a page's own policy lets it show an image from there: else it would be a broken one. `hosts` are the store's
    `image_hosts`."""
    if image.startswith("/"):
        return True  # of the shop's own domain, where the page stands
    place = host_of(image) if image.lower().startswith("https://") else ""
    return any(place == host or (host.startswith("*.") and place.endswith(host[1:])) for host in hosts)


_MAIL = re.compile(r"[^\x00-\x20\x7f<>()\[\],;:\\\"@]+@([\w-]+\.)+[\w-]{2,}")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_BETWEEN = str.maketrans("", "", " \t-./()\u00a0\u2009\u202f")
_LONGEST_MAIL = 254


def mail_address(written: str) -> str:
    """The e-mail address that somebody wrote, or "" for what is not one whole address."""
    address = unicodedata.normalize("NFC", written).strip()
    fits = len(address) <= _LONGEST_MAIL and address.isprintable() and _MAIL.fullmatch(address)
    return address if fits else ""


def phone_number(written: str) -> str:
    """The telephone number that somebody wrote, in E.164, or "" for what is none with the code of its country."""
    plain = unicodedata.normalize("NFKC", written).translate(_BETWEEN)
    digits = "".join(str(unicodedata.digit(char)) if char.isdigit() else char for char in plain)
    number = f"+{digits[2:]}" if digits.startswith("00") else digits
    return number if _NUMBER.fullmatch(number) else ""
