"""Going on after a failure: loops that isolate what failed, and the seam for actions. Never called by what observes."""
