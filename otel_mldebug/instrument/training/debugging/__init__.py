"""Debugging a model that a program names: watching it, reports, explicit calls. Nothing runs unless it asks for it."""
