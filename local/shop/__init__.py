"""A small web shop with versions, good ones and bad ones: the thing that gets released."""
