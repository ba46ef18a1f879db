"""Reading from the client's FHIR server what did not come as prefetch (conformance section 2.3, R-41, decision 48)."""
