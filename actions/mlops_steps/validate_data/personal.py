"""What a value or a column's name says of a person: e-mail, phone, account, card, address, name.

Strict on purpose: an id, a price, a time or a product code must not look like any of it.
"""

from __future__ import annotations

import ipaddress
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence

#: How each kind is named in a finding.
WORDS = {
    "email": "e-mail addresses",
    "phone": "phone numbers",
    "iban": "bank accounts (IBAN)",
    "card": "card numbers",
    "ip": "IP addresses",
}
#: Of the values that are there, so many have to hold one. E-mail addresses, numbers with a check
#: digit and phone numbers with `+` and country are hardly met by chance: every hundredth value is
#: enough, as in free text. What has only a shape, a phone number without country and an IP
#: address, may be a code or a version: it counts where half of the values are one.
SURE, SHAPE = 0.01, 0.5
#: Chance that codes without any check digit look as if they had one, in one column.
CHANCE = 1e-5

#: RE2 for the parts of a text in which `count` finds something, with a sign or two around.
PARTS = (
    r"[^\s,;<>\"']{1,80}@[^\s,;<>\"']{3,80}|[A-Z]{2}[0-9]{2}[ A-Z0-9]{11,40}"
    r"|\S{0,3}[0-9]{1,3}(?:\.[0-9]{1,3}){3,9}\S{0,2}"
    r"|\S{0,3}[0-9](?:[ .()/:-]{0,2}[0-9]){6,30}\S{0,2}|[0-9A-Fa-f:]{2,}:[0-9A-Fa-f:.]{2,}"
)
_EMAIL = re.compile(
    r"(?:(?<=mailto:)|(?<![\w.+%:/-]))(?!git@)[\w.+%-]{1,64}"
    r"@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}([A-Za-z]{2,24})(?![\w@-])"
)
#: Ends of file names, as in icon@2x.png.
_FILES = {"png", "jpg", "jpeg", "gif", "svg", "webp", "pdf", "zip", "tar", "gz", "tgz", "js", "css"}
_ABROAD = re.compile(r"(?<![\w+.,])\+[1-9](?:[ ()/-]{0,2}[0-9]){6,14}(?![\w.,+][0-9]|[0-9])")
_AT_HOME = re.compile(
    r"\(0?[1-9][0-9]{1,4}\) ?[0-9]{3,4}[ -]?[0-9]{2,6}"  # (030) 1234567, (555) 234-5678
    r"|0[1-9][0-9]{1,3}[ /][0-9]{3,9}(?:[ -][0-9]{2,4}){0,3}"  # 030/1234567, 0151 234 5678
    r"|0[1-9](?:[ .][0-9]{2}){4}"  # 01 23 45 67 89
    r"|[2-9][0-9]{2}([ .-])[2-9][0-9]{2}\1[0-9]{4}"  # 555-234-5678, North America
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
_CARD = re.compile(r"(?<![\w.+-])(?<![\w][ -])[2-6](?:[ -]?[0-9]){13,18}(?![ -]?[\w.])")
_QUAD = re.compile(r"(?<![\w.-])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![\w-]|\.[0-9])")
_SIX = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{1,4}(?::{1,2}[0-9A-Fa-f]{1,4}){2,7}(?![\w:.])")
#: Signs of an account number by country: ISO 13616-1, from SWIFT's IBAN registry.
_LENGTHS = {
    15: "NO", 16: "BE", 18: "DK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV", 29: "BR EG PS QA UA",
    30: "JO KW MU", 31: "MT SC", 32: "LC", 33: "RU",
}  # fmt: skip
_IBAN_LENGTH = {name: length for length, names in _LENGTHS.items() for name in names.split()}
#: First digits of a card by length (ISO/IEC 7812-1): Visa, Mastercard, American Express, Discover,
#: JCB, Diners, UnionPay.
_ISSUERS = {
    14: re.compile(r"30[0-5]|3[689]"),
    15: re.compile(r"3[47]"),
    16: re.compile(r"4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|6011|64[4-9]|65|35[2-8]|62"),
    19: re.compile(r"4|62"),
}

#: Words, without accents, that tell of a person wherever they end a column's name.
_TELLING = {
    "email": "email emails courriel",
    "phone": "phone telephone telefon telefono telefone telefoon fax msisdn handynummer",
    "iban": "iban",
    "card": "creditcard",
    "name": "surname firstname lastname fullname forename username vorname nachname familienname "
    "prenom cognome apellido apellidos sobrenome voornaam achternaam nazwisko imie",
    "other": "ssn passport dob birthday birthdate dateofbirth birthplace geburtsdatum geburtstag "
    "geburtsort geboortedatum nif dni cpf bsn pesel nino homeaddress street strasse anschrift",
}
#: The same, where they are the whole name: beside other words they often mean something else.
_ALONE = {
    "email": "mail mails correo",
    "phone": "mobile handy tel cell movil celular cellulare portable gsm",
    "name": "name names nom nome nombre naam",
    "ip": "ip ipv4 ipv6",
    "other": "address addresses adresse adresa adres direccion indirizzo endereco birth "
    "nascita nascimento nacimiento naissance",
}
#: Several words, anywhere in the name.
_TOGETHER = {
    "email": "e_mail mail_address email_address emailadresse",
    "phone": "phone_number phone_no mobile_number mobile_phone cell_phone tel_no",
    "card": "credit_card_number card_number card_no kreditkartennummer",
    "ip": "ip_address ip_addr client_ip remote_ip user_ip source_ip adresse_ip",
    "name": "first_name last_name full_name middle_name maiden_name family_name given_name "
    "customer_name patient_name person_name client_name user_name employee_name",
    "other": "date_of_birth birth_date birth_day date_naissance data_nascita fecha_nacimiento "
    "home_address street_address postal_address billing_address shipping_address "
    "social_security passport_number tax_id codice_fiscale",
}
#: With one of these first a column counts or says whether, and holds none itself.
_ABOUT = {"has", "is", "n", "num", "count", "number", "no", "total", "days", "with", "without"}
#: After one of these words a name tells the same.
_NUMBERED = re.compile(r"(_(number|no|nr|nummer|home|work|main|text|raw|clean))*$")


def named(name: str) -> str:
    """The kind of personal data that a column's name tells of; empty if it tells of none."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    plain = unicodedata.normalize("NFKD", split.replace("ß", "ss").lower())
    words = re.findall(r"[^\W_]+", "".join(s for s in plain if not unicodedata.combining(s)))
    if not words or words[0] in _ABOUT:
        return ""
    full = re.sub(r"[_0-9]+$", "", "_".join(words))
    whole = _NUMBERED.sub("", full)
    for kinds, fits in (
        (_ALONE, lambda word: whole == word),
        (_TELLING, lambda word: whole.split("_")[-1] == word),
        (_TOGETHER, lambda word: f"_{full}".endswith(f"_{word}")),
    ):
        for kind, known in kinds.items():
            if any(fits(word) for word in known.split()):
                return kind
    return ""


def count(cells: Sequence[str], values: int, *, numbers: bool = False) -> dict[str, int]:
    """The kinds of personal data that a column's values hold, with the number that hold one.

    Args:
        cells: Of each value that may hold some, the parts that `PARTS` matches, a line each.
        values: How many values were looked at, with those that hold nothing.
        numbers: Whether they are whole numbers, of which only card numbers are looked for.
    """
    found: dict[str, int] = {}
    texts = [] if numbers else cells
    found["email"] = sum(any(_is_email(hit) for hit in _EMAIL.finditer(cell)) for cell in texts)
    abroad = sum(any(_is_phone(hit[0]) for hit in _ABROAD.finditer(cell)) for cell in texts)
    at_home = sum(_is_phone(cell) for cell in texts if _AT_HOME.fullmatch(cell.strip()))
    addresses = sum(_has_address(cell) for cell in texts)
    found["iban"] = 0 if numbers else _checked(cells, _ibans, 1 / 97)
    found["card"] = _checked(cells, _cards, 1 / 10)
    counted = {kind: hits for kind, hits in found.items() if hits and hits >= SURE * values}
    if abroad + at_home and (abroad >= SURE * values or abroad + at_home >= SHAPE * values):
        counted["phone"] = abroad + at_home
    if addresses and addresses >= SHAPE * values:
        counted["ip"] = addresses
    return counted


def _checked(
    cells: Sequence[str], candidates: Callable[[str], Iterable[tuple[str, bool]]], chance: float
) -> int:
    """Cells with a number whose check digits are right; 0 if chance may have made them so.

    The chance that at least so many of the different candidates pass: the upper tail of the
    binomial distribution.
    """
    seen: dict[str, bool] = {}
    hits = 0
    for cell in cells:
        mine = dict(candidates(cell))
        seen |= mine
        hits += any(mine.values())
    right, tried = sum(seen.values()), len(seen)
    if not right or right <= chance * tried:
        return 0
    tail = math.fsum(_binomial(each, tried, chance) for each in range(right, tried + 1))
    return hits if tail <= CHANCE else 0


def _binomial(hits: int, tried: int, chance: float) -> float:
    ways = math.lgamma(tried + 1) - math.lgamma(hits + 1) - math.lgamma(tried - hits + 1)
    return math.exp(ways + hits * math.log(chance) + (tried - hits) * math.log1p(-chance))


def _ibans(cell: str) -> Iterable[tuple[str, bool]]:
    """What has the country and the length of an account number, and whether it checks."""
    for hit in _IBAN.finditer(cell):
        text = hit[0].replace(" ", "")
        length = _IBAN_LENGTH.get(text[:2])
        # In free text a word in capitals may follow.
        longer = length is not None and " " in hit[0] and len(text) > length
        if length is not None and (len(text) == length or longer):
            text = text[:length]
            # ISO 7064, MOD 97-10.
            yield text, int("".join(str(int(s, 36)) for s in text[4:] + text[:4])) % 97 == 1


def _cards(cell: str) -> Iterable[tuple[str, bool]]:
    """What has the length and the issuer of a card number, and whether it checks."""
    for hit in _CARD.finditer(cell):
        text = re.sub(r"[ -]", "", hit[0])
        issuer = _ISSUERS.get(len(text))
        if issuer is None or not issuer.match(text) or len(set(text)) == 1:
            continue
        # Luhn: ISO/IEC 7812-1, annex B.
        digits = [int(sign) for sign in reversed(text)]
        doubled = [sum(divmod(2 * each, 10)) for each in digits[1::2]]
        yield text, (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _is_email(hit: re.Match[str]) -> bool:
    return hit[1].lower() not in _FILES


def _is_phone(text: str) -> bool:
    return 8 <= sum(sign.isdigit() for sign in text) <= 15  # E.164: 15 with the country


def _has_address(cell: str) -> bool:
    """Whether there is a public IP address; what begins below 32 is rather a version."""
    for hit in _QUAD.finditer(cell):
        try:
            address = ipaddress.IPv4Address(hit[0])
        except ValueError:
            continue
        if address.is_global and int(hit[0].split(".")[0]) >= 32:
            return True
    return any(_is_six(hit[0]) for hit in _SIX.finditer(cell))


def _is_six(text: str) -> bool:
    """What is given out lies in 2000::/3 (IANA, IPv6 Global Unicast Address Assignments)."""
    try:
        return text[0] in "23" and ipaddress.IPv6Address(text).is_global
    except ValueError:
        return False
