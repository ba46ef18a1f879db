"""Write rules/terminology/*.csv from the verified code tables of the terminology reference.

Usage: build_terminology.py REFERENCE_FOLDER [OUT_FOLDER]

Rows of SNOMED CT, CPT, ATC and of the WHO classifications go to files of their own, which a site may delete. Nothing is
coded here from memory: codes come from the reference, what the tables do not say (which families a vague code can mean,
who gives a drug) stands below with its reason.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

Row = dict[str, str]
SNOMED, ATC, CPT, WHO, ICDO = "snomed", "atc", "cpt", "icd-10", "icd-o-3"
HCPCS, RXNORM = "hcpcs", "rxnorm"

# --- diseases -------------------------------------------------------------------------------------------------------
FAMILY = {"mm": "multiple_myeloma"}  # decision 29
FAMILY_OF = {  # decision 29; the column family of the reference is overruled
    "primary_cns_lymphoma": "lbcl",
    "richter_transformation": "lbcl",
    "follicular_lymphoma_grade_3b": "lbcl",
    "b_cell_lymphoma_unspecified": "lbcl",
}
ROLE_OF = {"plasma_cell_leukemia": "ambiguous"}  # decision 58: alone it is review
NEW_CONCEPTS = [  # decision 56
    {
        "concept": "b_lymphoblastic_lymphoma",
        "label": "B-lymphoblastic lymphoma without leukaemia",
        "family": "b_all",
        "parent": "",
        "role": "ambiguous",
        "note": "decision 56: no label names it",
    },
    {
        "concept": "haematological_text",
        "label": "Blood cancer named in words only",
        "family": "",
        "parent": "",
        "role": "ambiguous",
        "note": "decision 63: no code has this meaning; the families come from the words",
    },
]
MAY_BE = {  # decision 63: families an unspecific concept can mean
    "nhl_unspecified": "lbcl fl mzl mcl cll_sll",
    "b_cell_lymphoma_unspecified": "lbcl fl mzl mcl cll_sll",
    "small_b_cell_lymphoma_unspecified": "mzl cll_sll",
    "lymphoid_leukemia_unspecified": "cll_sll b_all",
    "leukemia_unspecified": "cll_sll b_all",
    "gray_zone_lymphoma": "lbcl",
    "all_unspecified_lineage": "b_all",
    "lymphoblastic_lymphoma_unspecified": "b_all",
    "follicular_lymphoma_grade_3_unspecified": "lbcl fl",
    "pediatric_follicular_lymphoma": "fl",
    "cns_lymphoma_unspecified": "lbcl",
    "other_non_follicular_lymphoma": "lbcl",
    "non_follicular_lymphoma_unspecified": "lbcl mzl mcl cll_sll",
    "primary_cutaneous_b_cell_lymphoma": "lbcl fl mzl",
}
SPEAKS = {  # decision 9b
    "all_unspecified_lineage",
    "lymphoblastic_lymphoma_unspecified",
    "follicular_lymphoma_grade_3_unspecified",
    "b_cell_lymphoma_unspecified",
    "small_b_cell_lymphoma_unspecified",
}
HIGH_GRADE = "high_grade_b_cell_lymphoma high_grade_b_cell_lymphoma_double_hit"
LBCL = (
    f"large_b_cell_lymphoma dlbcl_nos {HIGH_GRADE} primary_mediastinal_lbcl t_cell_histiocyte_rich_lbcl "
    "transformed_follicular_lymphoma transformed_indolent_lymphoma dlbcl_other_named_subtype richter_transformation"
)
FOLLICULAR = (
    "follicular_lymphoma follicular_lymphoma_grade_3a follicular_lymphoma_grade_3_unspecified "
    "follicular_lymphoma_grade_3b pediatric_follicular_lymphoma"
)
OTHER_B = (
    "mantle_cell_lymphoma marginal_zone_lymphoma cll_sll waldenstrom_lpl burkitt_lymphoma plasmablastic_lymphoma "
    "primary_effusion_lymphoma primary_cns_lymphoma primary_cutaneous_b_cell_lymphoma splenic_b_cell_lymphoma_other "
    "hairy_cell_leukemia ptld gray_zone_lymphoma small_b_cell_lymphoma_unspecified"
)
LYMPHOBLASTIC = "b_all b_lymphoblastic_lymphoma t_all_lbl"
LYMPHOID_LEUKEMIA = (
    f"{LYMPHOBLASTIC} all_unspecified_lineage cll_sll richter_transformation b_prolymphocytic_leukemia "
    "hairy_cell_leukemia burkitt_lymphoma t_nk_cell_neoplasm mixed_phenotype_acute_leukemia"
)
MAY_HOLD = {  # which concepts the codes of a concept also stand for (traps 1 to 7 of the reference)
    "dlbcl_nos": f"{HIGH_GRADE} primary_mediastinal_lbcl t_cell_histiocyte_rich_lbcl transformed_follicular_lymphoma "
    "transformed_indolent_lymphoma dlbcl_other_named_subtype plasmablastic_lymphoma primary_cns_lymphoma "
    "cns_lymphoma_unspecified richter_transformation ptld",
    "large_b_cell_lymphoma": LBCL,
    "high_grade_b_cell_lymphoma": "high_grade_b_cell_lymphoma_double_hit",
    "burkitt_lymphoma": HIGH_GRADE,
    "follicular_lymphoma": FOLLICULAR,
    "follicular_lymphoma_grade_3_unspecified": "follicular_lymphoma_grade_3a follicular_lymphoma_grade_3b",
    "cll_sll": "richter_transformation",
    "multiple_myeloma": "smoldering_myeloma",
    "all_unspecified_lineage": f"{LYMPHOBLASTIC} mixed_phenotype_acute_leukemia burkitt_lymphoma",
    "lymphoblastic_lymphoma_unspecified": f"{LYMPHOBLASTIC} all_unspecified_lineage bpdcn",
    "lymphoid_leukemia_unspecified": LYMPHOID_LEUKEMIA,
    "leukemia_unspecified": f"{LYMPHOID_LEUKEMIA} lymphoid_leukemia_unspecified myeloid_leukemia cml bpdcn "
    "plasma_cell_leukemia",
    "nhl_unspecified": f"{LBCL} {FOLLICULAR} {OTHER_B} {LYMPHOBLASTIC} lymphoblastic_lymphoma_unspecified "
    "t_nk_cell_neoplasm hodgkin_lymphoma b_cell_lymphoma_unspecified other_non_follicular_lymphoma "
    "non_follicular_lymphoma_unspecified cns_lymphoma_unspecified",
    "b_cell_lymphoma_unspecified": f"{LBCL} {FOLLICULAR} {OTHER_B} cns_lymphoma_unspecified",
    "small_b_cell_lymphoma_unspecified": "cll_sll marginal_zone_lymphoma waldenstrom_lpl splenic_b_cell_lymphoma_other",
    "other_non_follicular_lymphoma": "dlbcl_other_named_subtype primary_effusion_lymphoma primary_cns_lymphoma "
    "cns_lymphoma_unspecified",
    "non_follicular_lymphoma_unspecified": f"{LBCL} {OTHER_B} {LYMPHOBLASTIC} lymphoblastic_lymphoma_unspecified",
    "cns_lymphoma_unspecified": "primary_cns_lymphoma",
    "hodgkin_lymphoma": "gray_zone_lymphoma",
}
TRANSFORMS_TO = {  # decision 13; reference note "a follicular lymphoma code followed by a DLBCL code"
    "follicular_lymphoma": "transformed_follicular_lymphoma",
    "follicular_lymphoma_grade_3a": "transformed_follicular_lymphoma",
    "follicular_lymphoma_grade_3_unspecified": "transformed_follicular_lymphoma",
    "marginal_zone_lymphoma": "transformed_indolent_lymphoma",
    "waldenstrom_lpl": "transformed_indolent_lymphoma",
    "cll_sll": "richter_transformation",
    "smoldering_myeloma": "multiple_myeloma",
    # Its codes hold SLL as well as MZL: the reading that makes nothing met.
    "small_b_cell_lymphoma_unspecified": "richter_transformation",
}
CODE_CONCEPT = {  # decision 56: codes that name lymphoblastic lymphoma alone
    (SNOMED, "128807009"): ("b_lymphoblastic_lymphoma", "ambiguous"),
    (ICDO, "9728/3"): ("b_lymphoblastic_lymphoma", "ambiguous"),
}
LINEAGE = [  # decision 9c
    ("blinatumomab", "B"),
    ("inotuzumab_ozogamicin", "B"),
    ("axicabtagene_ciloleucel", "B"),
    ("tisagenlecleucel", "B"),
    ("lisocabtagene_maraleucel", "B"),
    ("brexucabtagene_autoleucel", "B"),
    ("obecabtagene_autoleucel", "B"),
    ("nelarabine", "T"),
]
# Observations that ask for histology or diagnosis (decision 64). Each code was read in the file named.
PATHOLOGY_QUESTIONS = [
    ("loinc", "59847-4", "Histology and Behavior ICD-O-3 Cancer", "ahdis/ch-crl; medizininformatik-initiative"),
    ("loinc", "59848-2", "Morphology.ICD-O-3 Cancer", "ahdis/ch-crl: input/fsh/content-until-v0.2.1/instances"),
    ("loinc", "22637-3", "Pathology report final diagnosis Narrative", "HL7/fhir-mCODE-ig: input/fsh (Jenny M)"),
    ("loinc", "34574-4", "Pathology report final diagnosis", "dhes/ColonoscopyPolyp: input/fsh"),
]

# --- drugs (F1 of the lines-of-therapy reference) ---------------------------------------------------------------------
SPLIT = [  # liposomal forms stay distinct from the plain drug
    ("doxorubicin", "doxorubicin_liposomal", re.compile(r"liposom|lipodox|doxil|caelyx", re.IGNORECASE)),
    ("vincristine", "vincristine_liposomal", re.compile(r"liposom|marqibo", re.IGNORECASE)),
]
SPLIT_LABELS = {"doxorubicin_liposomal": "liposomal doxorubicin", "vincristine_liposomal": "liposomal vincristine"}
SPLIT_ALIASES = [  # spellings of the regimen table of the lines-of-therapy reference
    ("doxorubicin_liposomal", "pegylated liposomal doxorubicin"),
    ("doxorubicin_liposomal", "liposomal doxorubicin"),
    ("doxorubicin_liposomal", "doxorubicin liposomal"),
    ("vincristine_liposomal", "vincristine liposomal"),
]
SAME_DRUG = {"hyaluronidase", "berahyaluronidase alfa"}  # F1: co-formulations are one ingredient
IMAGING = re.compile(r"imaging dose")
LABELS = {
    "interferon_alfa_2b": "interferon alfa-2b",
    "sipuleucel_t": "sipuleucel-T",
    "daunorubicin_cytarabine_liposome": "liposomal daunorubicin-cytarabine",
}
ORAL = re.compile(r"\b(Oral|Tablet|Capsule)\b")
GIVEN = re.compile(r"\b(Inject|Injection|Injectable|Cartridge|Syringe|Vial|Infusion|Suspension for)", re.IGNORECASE)
SETTING = {  # decision 24, ingredients with oral and injectable products: which reading holds without a recorded route
    "dexamethasone": ("self", "tablets are the form of myeloma and leukaemia regimens taken at home"),
    "prednisone": ("self", "tablets"),
    "prednisolone": ("self", "tablets and solution"),
    "temozolomide": ("self", "capsules; the injection is rarely used"),
}
SELF_CLASSES = {"btk_inhibitor", "pi3k"}  # ingredients without a product row: every other one of the class is oral
SALT = re.compile(r"^[a-z]+$")
EXTRA_SALTS = {"hcl", "mesylate", "citrate", "maleate", "monohydrate", "anhydrous", "dihydrochloride"}  # plain words
NOT_SALTS = {"word", "liposome", "liposomal", "pegol", "alfa", "and", "mofetil", "unspecified", "form"}


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
        self.systems()
        self.concepts()
        self.diagnoses()
        self.drugs()
        self.procedures()
        self.observations()
        self.aliases()
        self.write("lineage", "drug lineage source", [(*row, "decision 9c") for row in LINEAGE])
        self.write("sources", "key source", sorted(((k, s) for s, k in self.sources.items()), key=_number))

    def systems(self) -> None:
        rows = []
        for row in self.table("systems"):
            accepted = [re.sub(r"\s*\(.*\)$", "", part.strip()) for part in row["also_accept"].split(";")]
            wrong = [uri for uri in accepted if uri in self.keys and self.keys[uri] != row["key"]]
            accepted = [uri for uri in accepted if uri.startswith(("http", "urn")) and uri not in wrong]
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
        self.write("systems", "key uri also_accept source", rows)

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
            concept = _ingredient(row["concept"], row["display"])
            system = self.keys[row["system"]]
            classes.setdefault(row["concept"], row["class"])
            classes.setdefault(concept, row["class"])
            use = uses.get(row["code"], "systemic") if system == RXNORM else "systemic"
            if "non-oncology" in row["note"] and row["tty"] == "BN":
                use = "non_oncology_brand"
            if IMAGING.search(row["note"]):
                use = "local"
            form = _hcpcs_form(row["display"]) if system == HCPCS else ""
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
            concept = _ingredient(row["concepts"], row["name"])
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
        parents = {new: old for old, new, _ in SPLIT}
        self.write(
            "drugs",
            "concept label class setting form_of setting_because",
            [
                (name, _label(name), classes[name], *_setting(name, classes[name], forms, parents))
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
            concept = _ingredient(row["concept"], row["alias"]) if row["kind"] == "drug" else row["concept"]
            if row["kind"] == "drug" and concept not in self.classes:
                print(f"left out: the alias {row['alias']!r} of {concept}, which has no class in the drug table")
                continue
            if row["kind"] == "disease" and concept == "b_all" and _lymphoma_only(row["alias"]):
                concept = "b_lymphoblastic_lymphoma"
            rows[concept, row["alias"]] = (concept, row["kind"], row["alias"], row["match"], row["ambiguous"])
        both = [
            (row["concept"], f"{_label(row['concept'])} and hyaluronidase")
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
        self.write("aliases", "concept kind alias match ambiguous", rows.values())
        self.write("salts", "word", [(word,) for word in sorted(salts)])


def _ingredient(concept: str, name: str) -> str:
    for old, new, pattern in SPLIT:
        if concept == old and pattern.search(name):
            return new
    return concept


def _hcpcs_form(display: str) -> str:
    if re.search(r"\boral\b", display, re.IGNORECASE):
        return "oral"
    return "injectable" if re.search(r"inject|infus|up to|per study", display, re.IGNORECASE) else ""


def _lymphoma_only(alias: str) -> bool:
    words = alias.lower()
    return "b-lbl" in words or ("lymphoma" in words and "leuk" not in words)


def _label(name: str) -> str:
    return SPLIT_LABELS.get(name) or LABELS.get(name) or name.replace("_", " ")


def _setting(
    name: str, drug_class: str, forms: Mapping[str, set[str]], parents: Mapping[str, str]
) -> tuple[str, str, str]:
    known = forms.get(name, set())
    parent = parents.get(name, "")
    if name in SETTING:
        return SETTING[name][0], parent, SETTING[name][1]
    if known == {"oral"}:
        return "self", parent, "every product is oral"
    if known == {"injectable"}:
        return "clinic", parent, "every product is injected or infused"
    if known:
        return "clinic", parent, "oral and injectable products: the stricter reading unless route or product says oral"
    if drug_class in SELF_CLASSES:
        return "self", parent, "no product on the table; the others of its class are oral"
    return "clinic", parent, "no product on the table: the stricter reading"


def _number(pair: tuple[str, str]) -> int:
    return int(pair[0][1:])


if __name__ == "__main__":
    main(*sys.argv[1:3])
