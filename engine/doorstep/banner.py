"""A word to many shoppers at once: a strike, a storm, late parcels before a holiday."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from .models import Shipment

Instant = Annotated[datetime, Meta(tz=True)]


class Banner(Struct, frozen=True, forbid_unknown_fields=True):
    """`text` by language (BCP 47); a page in another language shows the store's own, else the first. With `countries` or
    `carriers` it stands only on pages of parcels that go there or come with them; without, on all."""

    text: dict[str, Annotated[str, Meta(min_length=1, max_length=500)]]
    countries: tuple[Annotated[str, Meta(pattern=r"^[A-Z]{2}$")], ...] = ()
    carriers: tuple[str, ...] = ()
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    url: Annotated[str, Meta(pattern=r"^(https://[^\s]+)?$", max_length=2000)] = ""

    def shown(self, now: datetime, shipment: Shipment | None, country: str = "") -> bool:
        """Whether it stands on a page now: of this shipment, or of an order without parcels that goes to `country`."""
        if (self.starts_at and now < self.starts_at) or (self.ends_at and now >= self.ends_at):
            return False
        goes_to = shipment.destination.country if shipment and shipment.destination.country else country
        return (not self.countries or goes_to in self.countries) and (
            not self.carriers or (shipment is not None and shipment.carrier in self.carriers)
        )

    def says(self, language: str, fallback: str) -> str:
        """The text in the first of these languages that there is, then in any."""
        by_tag = {tag.lower().replace("_", "-"): text for tag, text in self.text.items()}
        wanted = [tag.lower().replace("_", "-") for tag in (language, fallback)]
        tags = [part for tag in wanted for part in (tag, tag.partition("-")[0])]
        return next((by_tag[tag] for tag in tags if tag in by_tag), next(iter(self.text.values()), ""))
