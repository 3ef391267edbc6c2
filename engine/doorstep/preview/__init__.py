"""`doorstep serve --preview`: every page a shopper may see, in every theme, language, direction, scheme and width, before one
does. For makers only: no store's page leads here, and it is off unless it is asked for."""
