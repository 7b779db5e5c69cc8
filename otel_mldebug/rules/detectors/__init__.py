"""Pure functions from a window of step records to a finding."""
