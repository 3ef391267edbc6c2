"""The bench: what `./dev bench` measures, one module a noun."""
