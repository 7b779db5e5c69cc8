"""Steps, whatever framework they come from: what is counted, kept and handed on."""
