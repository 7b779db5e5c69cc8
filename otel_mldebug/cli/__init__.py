"""The command line: each command parses, asks the store, prints."""
