"""`python -m otel_mldebug`: the same as the command `otel-mldebug`."""

import sys

from otel_mldebug.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
