"""``python -m devinprod_proxy`` is ``devinprod``."""

import sys

from devinprod_proxy.cli import main

sys.exit(main())
