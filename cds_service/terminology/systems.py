"""Code systems: the spellings seen in real feeds, and how codes of each are compared."""

from __future__ import annotations

from cds_service.terminology.tables import Table

ICD10, ICD10CM, PCS, ICDO = "icd-10", "icd-10-cm", "icd-10-pcs", "icd-o-3"
GM, AM, BROWSER = "icd-10-gm", "icd-10-am", "icd-10-who-browser"
NATIONAL = (GM, AM)
"""Editions of ICD-10 that keep the four characters of the WHO and are read by its rows."""

WHO_LENGTH = 4
"""A WHO code has at most this many characters; a longer one under its URI is tried as ICD-10-CM first."""
PCS_LENGTH = 7
MAX_URI = 400

_MIXED_UP = {"hcpcs": ("hcpcs", "cpt"), "cpt": ("cpt", "hcpcs")}
"""Systems whose codes claims feeds put under one another's URI (traps of the terminology reference, 14)."""


class Systems:
    """URI spellings to the key of a system (``snomed``, ``icd-10-cm`` …)."""

    def __init__(self, tables: list[Table]) -> None:
        self.keys: frozenset[str]
        self._by_uri: dict[str, str] = {}
        self._uris: dict[str, str] = {}
        for table in tables:
            for _, (key, uri, also) in table.pick("key", "uri", "also_accept"):
                self._uris.setdefault(key, uri)
                for spelling in (uri, *also.split()):
                    self._by_uri[plain(spelling)] = key
        self.keys = frozenset(self._by_uri.values())

    def key(self, system: str) -> str:
        """The key of a system as sent, "" when it is none of ours."""
        return self._by_uri.get(system) or self._by_uri.get(plain(system), "")

    def uri(self, key: str) -> str:
        """How the system of a key is written in FHIR, "" for a key that is none of ours."""
        return self._uris.get(key, "")

    def home(self, system: str) -> str:
        """The key of the rows that codes of a system are read by when they stand where they belong."""
        key = self.key(system)
        return ICD10 if key in NATIONAL else key

    def canonical(self, system: str) -> str:
        """One spelling for every spelling of a system, also of one that is none of ours."""
        return self.key(system) or plain(system)

    def places(self, system: str, code: str) -> tuple[tuple[str, str], ...]:
        """(key, code as compared) to look up, likeliest first; everything after the first is a data issue."""
        key = self.key(system)
        if not key or not code:
            return ()
        if key in (ICD10, BROWSER):
            short = bare(code)
            places = [(ICD10, short), (ICD10CM, short)]
            if len(short) > WHO_LENGTH:
                places.reverse()
            if len(short) == PCS_LENGTH and "." not in code:
                places.append((PCS, short))
            return tuple(places)
        if key in NATIONAL:
            return ((ICD10, bare(code)),)
        if key in _MIXED_UP:
            return tuple((other, bare(code)) for other in _MIXED_UP[key])
        return ((key, comparable(key, code)),)


def plain(uri: str) -> str:
    """A system URI without blanks, case, version suffix, trailing slash, and whatever else senders vary."""
    text = "".join(uri[:MAX_URI].split()).lower().split("|", 1)[0].rstrip("/")
    if text.startswith("https://"):
        text = "http://" + text[8:]
    if text.startswith("http://snomed.info/sct"):
        return "http://snomed.info/sct"
    if text[:4] in ("2.16", "1.2.") and text.replace(".", "").isdigit():
        return "urn:oid:" + text
    return text


def bare(code: str) -> str:
    """A code of an ICD, HCPCS or CPT kind without dot, blanks and case."""
    return code.replace(".", "").strip().upper()


def comparable(key: str, code: str) -> str:
    """A code as codes of that system are compared."""
    if key in (ICD10, ICD10CM, PCS, "hcpcs", "cpt"):
        return bare(code)
    if key == ICDO:
        text = code.strip().upper()
        if text.startswith("M"):
            text = text[1:].lstrip("-")
        return text.replace("/", "").replace("-", "")
    return code.strip().upper()
