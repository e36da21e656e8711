"""Running code becomes spans, and spans become rows of a store."""
