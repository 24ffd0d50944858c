"""Fly's regions, and the expressions that name them (reference 2.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Region:
    """A row of `GET /v1/platform/regions`."""

    code: str
    name: str
    latitude: float
    longitude: float
    geo_region: str
    gateway: bool = True
    paid: bool = False
    replacement: str | None = None
    """For a deprecated region: where flyctl sends people."""


REGIONS: dict[str, Region] = {
    region.code: region
    for region in (
        Region("ams", "Amsterdam, Netherlands", 52.374342, 4.895439, "europe"),
        Region("arn", "Stockholm, Sweden", 59.6512, 17.9178, "europe"),
        Region("bom", "Mumbai, India", 19.097403, 72.874245, "asia_pacific", paid=True),
        Region("cdg", "Paris, France", 48.860875, 2.353477, "europe"),
        Region("dfw", "Dallas, Texas (US)", 32.778287, -96.7984, "north_america"),
        Region("ewr", "Secaucus, NJ (US)", 40.789543, -74.05653, "north_america"),
        Region("fra", "Frankfurt, Germany", 50.1167, 8.6833, "europe"),
        Region("gru", "Sao Paulo, Brazil", -23.549664, -46.654351, "south_america", gateway=False),
        Region("iad", "Ashburn, Virginia (US)", 39.02214, -77.462556, "north_america"),
        Region("jnb", "Johannesburg, South Africa", -26.13629, 28.20298, "africa", gateway=False),
        Region("lax", "Los Angeles, California (US)", 33.9416, -118.4085, "north_america"),
        Region("lhr", "London, United Kingdom", 51.516434, -0.125656, "europe"),
        Region("nrt", "Tokyo, Japan", 35.621613, 139.741851, "asia_pacific"),
        Region("ord", "Chicago, Illinois (US)", 41.891544, -87.630386, "north_america"),
        Region("sin", "Singapore, Singapore", 1.3, 103.8, "asia_pacific"),
        Region("sjc", "San Jose, California (US)", 37.351602, -121.896744, "north_america"),
        Region("syd", "Sydney, Australia", -33.866033, 151.20693, "asia_pacific"),
        Region("yyz", "Toronto, Canada", 43.644628, -79.369705, "north_america"),
        Region("atl", "Atlanta, Georgia (US)", 33.6407, -84.4277, "north_america", replacement="dfw"),
        Region("bog", "Bogotá, Colombia", 4.70159, -74.1469, "south_america", replacement="gru"),
        Region(
            "bos", "Boston, Massachusetts (US)", 42.366978, -71.022362, "north_america", replacement="ewr"
        ),
        Region("den", "Denver, Colorado (US)", 39.73715, -104.989, "north_america", replacement="dfw"),
        Region("eze", "Ezeiza, Argentina", -34.8222, -58.5358, "south_america", replacement="gru"),
        Region("gdl", "Guadalajara, Mexico", 20.5217, -103.3111, "north_america", replacement="dfw"),
        Region("gig", "Rio de Janeiro, Brazil", -22.8099, -43.2505, "south_america", replacement="gru"),
        Region("hkg", "Hong Kong, Hong Kong", 22.25097, 114.203224, "asia_pacific", replacement="sin"),
        Region("mad", "Madrid, Spain", 40.4381, -3.82, "europe", replacement="cdg"),
        Region("mia", "Miami, Florida (US)", 25.7877, -80.2241, "north_america", replacement="dfw"),
        Region("otp", "Bucharest, Romania", 44.4325, 26.1039, "europe", replacement="fra"),
        Region("phx", "Phoenix, Arizona (US)", 33.416084, -112.009482, "north_america", replacement="lax"),
        Region("qro", "Querétaro, Mexico", 20.62, -100.1863, "north_america", replacement="dfw"),
        Region("scl", "Santiago, Chile", -33.36572, -70.64292, "south_america", replacement="gru"),
        Region("sea", "Seattle, Washington (US)", 47.6097, -122.3331, "north_america", replacement="sjc"),
        Region("waw", "Warsaw, Poland", 52.1657, 20.9671, "europe", replacement="ams"),
        Region("yul", "Montreal, Canada", 45.48647, -73.75549, "north_america", replacement="yyz"),
    )
}

_ALIASES = {
    "apac": ("asia_pacific",),
    "eu": ("europe",),
    "na": ("north_america",),
    "sa": ("south_america",),
    "us": ("north_america",),
    "usa": ("north_america",),
    "any": ("europe", "north_america", "asia_pacific", "south_america", "africa"),
}


def offered(code: str) -> bool:
    """Tell whether new things can be made there: it exists and is not deprecated."""
    region = REGIONS.get(code)
    return region is not None and region.replacement is None


def candidates(expression: str, nearest: str) -> Iterator[str]:
    """Yield the regions that a comma list of codes and aliases means, in order of preference.

    An alias yields the nearest region first when it lies inside. Raises: `KeyError` with the unknown word.
    """
    for word in (part.strip().lower() for part in expression.split(",")):
        geo = _ALIASES.get(word)
        if geo is not None:
            inside = [region.code for region in REGIONS.values() if region.geo_region in geo]
            inside = [
                code for code in inside if offered(code) and not (word in ("us", "usa") and code == "yyz")
            ]
            yield from sorted(inside, key=lambda code: code != nearest)
        elif offered(word):
            yield word
        else:
            raise KeyError(word)
