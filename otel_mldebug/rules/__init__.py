"""What is known about failures: pure, standard library only, no OpenTelemetry and no torch."""
