"""Release descriptions of other tools, translated into release specs of ours."""
