"""What happened to the cards: kept, used for silence, counted (conformance section 4; c.3, decision 44)."""
