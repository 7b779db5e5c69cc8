"""Write everything that is generated from something else: `make generate`."""

import subprocess
import sys

MODULES = (
    "otel_mldebug.semconv.generate",
    "otel_mldebug.rules.catalogue.generate",
    "otel_mldebug.cli.docs",
    "scripts.settings_page",
    "grafana.build",
)


def main() -> int:
    """Run every generator; the tests compare what is committed with what they write."""
    return max(subprocess.run([sys.executable, "-m", module]).returncode for module in MODULES)


if __name__ == "__main__":
    sys.exit(main())
