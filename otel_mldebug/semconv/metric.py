"""The shape of one row of the registry."""

from dataclasses import dataclass
from typing import Literal

Instrument = Literal["counter", "updowncounter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of the semantic-convention registry: the only place where its name and unit are typed.

    Attributes:
        name: OpenTelemetry name, such as `mldebug.train.step.duration`.
        instrument: Which instrument carries it.
        unit: UCUM unit, such as `s`, `By`, `1`, `{finding}`.
        brief: One sentence for people; the instrument's description and the title of its chart.
        attributes: Keys that its points may carry, besides those of the resource.
        buckets: Explicit bucket bounds of a histogram, in `unit`; empty for other instruments.
    """

    name: str
    instrument: Instrument
    unit: str
    brief: str
    attributes: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
