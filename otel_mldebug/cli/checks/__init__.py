"""What `otel-mldebug doctor` looks at, one subject a file. A check changes nothing and leaves nothing behind."""
