"""CDS Hooks over HTTP: discovery, services, feedback, operations. Knows no disease, drug or label.

A request passes ``edge`` (headers, CORS, log line, metrics), a view in ``services`` / ``feedback`` / ``operations``,
and the checks of contract section 3 in that order. ``seams`` holds the interfaces that authentication, the feedback
store and the FHIR client fill.
"""
