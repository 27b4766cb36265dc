"""Transfer curves, camera response and tone mapping: pure functions on arrays."""
