"""All provocations."""

from tests.provocation import (
    arrays,
    calls,
    formats,
    hub,
    lookups,
    network,
    processes,
    system,
    tables,
    torch_files,
    torch_graphs,
    torch_models,
    torch_modules,
    torch_running,
    torch_training,
    trainers,
)
from tests.provocation.case import Case

MODULES = (
    torch_models,
    torch_modules,
    torch_training,
    torch_files,
    torch_running,
    torch_graphs,
    arrays,
    calls,
    lookups,
    formats,
    tables,
    hub,
    trainers,
    network,
    processes,
    system,
)
CASES: list[Case] = [case for module in MODULES for case in module.case.cases]
