"""For build_terminology: what the disease and observation tables do not say, with the decision behind each row."""

from __future__ import annotations

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
HINTS = (  # decision 63: endings of words for a blood cancer, in the languages of the feeds seen; they name no family
    "lymphom lymphoma lymphomas lymphome lymphomes lymfoom lymfom lymfoma linfoma linfomas linfome limfoma limfom "
    "leukemia leukaemia leukemias leukemie leukämie leukaemie leukaemias leukæmi leucemia leucemias leucémie leucemie "
    "myeloma myelom myelome myélome myeloom mieloma mielomas plasmozytom plasmocytoma plasmacytoma plasmocitoma"
)
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
    ("snomed", "128807009"): ("b_lymphoblastic_lymphoma", "ambiguous"),
    ("icd-o-3", "9728/3"): ("b_lymphoblastic_lymphoma", "ambiguous"),
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


def lymphoma_only(alias: str) -> bool:
    words = alias.lower()
    return "b-lbl" in words or ("lymphoma" in words and "leuk" not in words)
