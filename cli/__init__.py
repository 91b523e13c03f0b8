"""`slipway`: the operator's command line."""
