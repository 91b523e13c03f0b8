"""The demo's story: what happens, what is measured meanwhile, and how it is shown."""
