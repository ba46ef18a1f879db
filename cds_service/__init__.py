"""CAR-T referral decision support over CDS Hooks.

A patient's FHIR record walks through five rooms, each with one entrance: ``fhir`` reads it, ``terminology`` turns
codes into concepts, ``oncology`` describes the disease course, ``labels`` compares it with the label rules of every
approved CAR-T product, ``cards`` finds the words.
"""

__version__ = "0.1.0"
