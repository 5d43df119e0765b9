"""What stands in the place of a secret. Loads nothing: whoever records an answer needs it."""

MASK = "[redacted]"
