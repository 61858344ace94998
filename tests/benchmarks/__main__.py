"""`make bench`: the pipelines side by side; `make bench ARGS=tills`: what the tills cost by themselves."""

import sys

from tests.benchmarks import pipelines, tills

if sys.argv[1:2] == ["tills"]:
    tills.main(sys.argv[2:])
else:
    pipelines.main(sys.argv[1:])
