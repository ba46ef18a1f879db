"""For build_terminology: what the drug tables do not say: ingredients, forms, who gives a drug."""

from __future__ import annotations

import re
from collections.abc import Mapping

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


def ingredient_of(concept: str, name: str) -> str:
    for old, new, pattern in SPLIT:
        if concept == old and pattern.search(name):
            return new
    return concept


def form_of(display: str) -> str:
    if re.search(r"\boral\b", display, re.IGNORECASE):
        return "oral"
    return "injectable" if re.search(r"inject|infus|up to|per study", display, re.IGNORECASE) else ""


def label_of(name: str) -> str:
    return SPLIT_LABELS.get(name) or LABELS.get(name) or name.replace("_", " ")


def setting_of(
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
