"""Do correlation-fusion modules help? Networks trained from several seeds, compared."""
