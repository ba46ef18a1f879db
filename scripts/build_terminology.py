"""Write rules/terminology/*.csv from the verified code tables of the terminology reference.

Usage: build_terminology.py REFERENCE_FOLDER [OUT_FOLDER]

Rows of SNOMED CT, CPT, ATC and of the WHO classifications go to files of their own, which a site may delete. Nothing is
coded here from memory: codes come from the reference, what the tables do not say (which families a vague code can mean,
who gives a drug) stands in terminology_diseases.py and terminology_drugs.py with its reason.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from terminology_diseases import (
    CODE_CONCEPT,
    FAMILY,
    FAMILY_OF,
    HINTS,
    LINEAGE,
    MAY_BE,
    MAY_HOLD,
    NEW_CONCEPTS,
    PATHOLOGY_QUESTIONS,
    ROLE_OF,
    SPEAKS,
    TRANSFORMS_TO,
    lymphoma_only,
)
from terminology_drugs import (
    EXTRA_SALTS,
    GIVEN,
    IMAGING,
    NOT_SALTS,
    ORAL,
    SALT,
    SAME_DRUG,
    SPLIT,
    SPLIT_ALIASES,
    form_of,
    ingredient_of,
    label_of,
    setting_of,
)

Row = dict[str, str]
SNOMED, ATC, CPT, WHO, ICDO = "snomed", "atc", "cpt", "icd-10", "icd-o-3"
HCPCS, RXNORM = "hcpcs", "rxnorm"
NATIONAL_SPELLINGS = {
    # medizininformatik-initiative examples: the German edition gives the same codes for these substances
    ATC: ("http://fhir.de/CodeSystem/bfarm/atc", "http://fhir.de/CodeSystem/dimdi/atc"),
}
"""URIs of national editions that the systems table of the reference does not list."""


def main(reference: str, out: str = "rules/terminology") -> None:
    """Read the reference tables and write the compact ones."""
    Builder(Path(reference), Path(out)).build()


class Builder:
    """Holds the sources seen so far, so that each row names its source by a short key."""

    def __init__(self, reference: Path, out: Path) -> None:
        self.reference, self.out = reference, out
        self.sources: dict[str, str] = {}
        self.keys = {row["uri"]: row["key"] for row in self.table("systems")}

    def table(self, name: str) -> list[Row]:
        with (self.reference / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
            return list(csv.DictReader(handle))

    def source(self, text: str) -> str:
        return self.sources.setdefault(text, f"s{len(self.sources) + 1}")

    def write(self, name: str, columns: str, rows: Iterable[Sequence[str]]) -> None:
        with (self.out / f"{name}.csv").open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(columns.split())
            writer.writerows(rows)

    def build(self) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        systems = self.systems()
        self.concepts()
        self.diagnoses()
        self.drugs()
        self.procedures()
        self.observations()
        self.aliases()
        self.write("lineage", "drug lineage source", [(*row, "decision 9c") for row in LINEAGE])
        self.write("systems", "key uri also_accept source", [*systems, self.australian()])
        self.write("sources", "key source", sorted(((k, s) for s, k in self.sources.items()), key=_number))

    def systems(self) -> list[tuple[str, ...]]:
        rows = []
        for row in self.table("systems"):
            accepted = [re.sub(r"\s*\(.*\)$", "", part.strip()) for part in row["also_accept"].split(";")]
            wrong = [uri for uri in accepted if uri in self.keys and self.keys[uri] != row["key"]]
            accepted = [uri for uri in accepted if uri.startswith(("http", "urn")) and uri not in wrong]
            accepted += NATIONAL_SPELLINGS.get(row["key"], ())
            rows.append((row["key"], row["uri"], " ".join(accepted), self.source(row["verified_in"])))
        rows += [
            (
                "icd-10-gm",
                "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
                "http://fhir.de/CodeSystem/dimdi/icd-10-gm",
                self.source("medizininformatik-initiative examples; read by shape through the WHO rows"),
            ),
            (
                "icd-10-who-browser",
                "https://icd.who.int/browse10/2019/en",
                "",
                self.source("payer feeds that put ICD-10-CM codes there; read by shape"),
            ),
        ]
        return rows

    def australian(self) -> tuple[str, ...]:
        """The Australian edition; last of the sources, so that no other row changes its key."""
        source = self.source(
            "address seen in public code that sends Australian diagnoses; read by shape through the WHO rows"
        )
        return ("icd-10-am", "http://hl7.org/fhir/sid/icd-10-am", "", source)

    def concepts(self) -> None:
        found = self.table("concepts")
        at = next(i for i, row in enumerate(found) if row["concept"] == "b_all") + 1
        rows = []
        for row in [*found[:at], *NEW_CONCEPTS, *found[at:]]:
            name = row["concept"]
            family = FAMILY_OF.get(name, FAMILY.get(row["family"], row["family"]))
            rows.append(
                (
                    name,
                    row["label"],
                    family,
                    row["parent"],
                    ROLE_OF.get(name, row["role"]),
                    MAY_BE.get(name, ""),
                    "yes" if name in SPEAKS else "",
                    " ".join(sorted(set(MAY_HOLD.get(name, "").split()) - {name})),
                    TRANSFORMS_TO.get(name, ""),
                    row["note"],
                )
            )
        self.write(
            "concepts",
            "concept label family parent role may_be speaks_when_ambiguous may_hold transforms_to note",
            rows,
        )
        self.labels = {row[0]: row[1] for row in rows}

    def diagnoses(self) -> None:
        files: dict[str, list[Sequence[str]]] = defaultdict(list)
        for row in self.table("diagnoses"):
            system = self.keys[row["system"]]
            concept, role = CODE_CONCEPT.get((system, row["code"]), (row["concept"], row["role"]))
            role = ROLE_OF.get(concept, role)
            display = self.labels[concept] if system == WHO else row["display"]
            cells = (
                concept,
                system,
                row["code"],
                display,
                row["match"],
                row["disease_status"],
                role,
                self.source(row["verified_in"]),
            )
            files[
                {SNOMED: "diagnoses_snomed", WHO: "diagnoses_who", ICDO: "diagnoses_who"}.get(system, "diagnoses")
            ].append(cells)
        for name, rows in files.items():
            self.write(name, "concept system code display match disease_status role source", rows)

    def drugs(self) -> None:
        rows, products = self.table("drugs"), self.table("rxnorm_products")
        uses = {row["rxcui"]: row["use"] for row in products}
        forms: dict[str, set[str]] = defaultdict(set)
        codes: list[Sequence[str]] = []
        atc: list[Sequence[str]] = []
        classes: dict[str, str] = {}
        seen = set()
        for row in rows:
            concept = ingredient_of(row["concept"], row["display"])
            system = self.keys[row["system"]]
            classes.setdefault(row["concept"], row["class"])
            classes.setdefault(concept, row["class"])
            use = uses.get(row["code"], "systemic") if system == RXNORM else "systemic"
            if "non-oncology" in row["note"] and row["tty"] == "BN":
                use = "non_oncology_brand"
            if IMAGING.search(row["note"]):
                use = "local"
            form = form_of(row["display"]) if system == HCPCS else ""
            if form:
                forms[concept].add(form)
            other = re.search(r"combination with (.+)|(relatlimab)", row["note"])
            extra = (other[1] or other[2]) if other and system in (RXNORM, HCPCS) else ""
            if row["tty"] == "MIN" and concept != "daunorubicin_cytarabine_liposome":
                parts = {part.strip() for part in row["display"].split("/")} - {concept}
                extra = "|".join(sorted(parts))
            cells = (
                concept,
                system,
                row["code"],
                row["display"],
                row["tty"],
                use,
                form,
                "" if extra in SAME_DRUG else extra,
                self.source(row["verified_in"]),
            )
            (atc if system == ATC else codes).append(cells)
            seen.add((system, row["code"]))
        items = []
        for row in products:
            concept = ingredient_of(row["concepts"], row["name"])
            form = "oral" if ORAL.search(row["name"]) else "injectable" if GIVEN.search(row["name"]) else ""
            if row["use"] == "systemic" and form:
                forms[concept].add(form)
            if (RXNORM, row["rxcui"]) in seen:
                continue
            others = [o for o in row["other_ingredients"].split("|") if o and o not in SAME_DRUG]
            items.append(
                (
                    row["rxcui"],
                    row["tty"],
                    row["name"],
                    concept,
                    row["use"],
                    form,
                    "|".join(others),
                    self.source(row["verified_in"]),
                )
            )
        self.classes = classes
        self.write("drug_codes", "concept system code display tty use form other source", codes)
        self.write("drug_codes_atc", "concept system code display tty use form other source", atc)
        self.write("drug_products", "code tty display concept use form other source", items)
        self.write("drug_classes", "class", sorted({(word,) for word in classes.values()}))
        parents = {new: old for old, new, _ in SPLIT}
        self.write(
            "drugs",
            "concept label class setting form_of setting_because",
            [
                (name, label_of(name), classes[name], *setting_of(name, classes[name], forms, parents))
                for name in sorted(classes)
            ],
        )

    def procedures(self) -> None:
        files: dict[str, list[Sequence[str]]] = defaultdict(list)
        for row in self.table("procedures"):
            system = self.keys[row["system"]]
            files[{SNOMED: "procedures_snomed", CPT: "procedures_cpt"}.get(system, "procedures")].append(
                (
                    row["concept"],
                    system,
                    row["code"],
                    row["display"],
                    row["product"],
                    row["match"],
                    self.source(row["verified_in"]),
                )
            )
        for name, rows in files.items():
            self.write(name, "concept system code display product match source", rows)

    def observations(self) -> None:
        files: dict[str, list[Sequence[str]]] = defaultdict(list)
        for row in self.table("observations"):
            system = self.keys[row["system"]]
            files["observations_snomed" if system == SNOMED else "observations"].append(
                (row["concept"], system, row["code"], row["display"], row["kind"], self.source(row["verified_in"]))
            )
        files["observations"] += [
            ("histology_or_diagnosis", system, code, display, "question", self.source(where))
            for system, code, display, where in PATHOLOGY_QUESTIONS
        ]
        for name, rows in files.items():
            self.write(name, "concept system code display kind source", rows)

    def aliases(self) -> None:
        """Disease, drug and negation words, the names of drug codes, and the words that are salts."""
        rows: dict[tuple[str, str], Sequence[str]] = {}
        for row in self.table("text_aliases"):
            if row["kind"] not in ("disease", "drug", "negation"):
                continue
            concept = ingredient_of(row["concept"], row["alias"]) if row["kind"] == "drug" else row["concept"]
            if row["kind"] == "drug" and concept not in self.classes:
                print(f"left out: the alias {row['alias']!r} of {concept}, which has no class in the drug table")
                continue
            if row["kind"] == "disease" and concept == "b_all" and lymphoma_only(row["alias"]):
                concept = "b_lymphoblastic_lymphoma"
            rows[concept, row["alias"]] = (concept, row["kind"], row["alias"], row["match"], row["ambiguous"])
        both = [
            (row["concept"], f"{label_of(row['concept'])} and hyaluronidase")
            for row in self.table("drugs")
            if row["tty"] == "MIN" and "hyaluronidase" in row["display"]
        ]
        for concept, alias in SPLIT_ALIASES + both:
            rows.setdefault((concept, alias), (concept, "drug", alias, "phrase", ""))
        salts = set(EXTRA_SALTS)
        for row in self.table("drugs"):
            if row["tty"] in ("PIN", "IN") and row["concept"] in self.classes:
                base = row["concept"].replace("_", " ")
                if row["display"].lower().startswith(base + " "):
                    words = row["display"].lower()[len(base) + 1 :].split()
                    salts |= {w for w in words if SALT.match(w) and w not in NOT_SALTS}
        hints = [("haematological_text", "hint", ending, "ending", "yes") for ending in HINTS.split()]
        self.write("aliases", "concept kind alias match ambiguous", [*rows.values(), *hints])
        self.write("salts", "word", [(word,) for word in sorted(salts)])


def _number(pair: tuple[str, str]) -> int:
    return int(pair[0][1:])


if __name__ == "__main__":
    main(*sys.argv[1:3])
