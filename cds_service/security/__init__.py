"""Who may call: signed tokens of known clients, each used once (conformance section 5, R-40)."""
