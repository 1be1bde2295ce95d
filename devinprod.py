"""What a notebook says: ``%load_ext devinprod``."""

from devinprod_jupyter import load_ipython_extension, unload_ipython_extension

__all__ = ["load_ipython_extension", "unload_ipython_extension"]
