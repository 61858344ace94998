"""`make bench`: the pipelines side by side; `make bench ARGS=tills`: what the tills cost by themselves.

`make bench ARGS=identity`: who is who, how well and how fast; `make bench ARGS=serving`: publishing, and readers;
`make bench ARGS=models`: learning and scoring; `make bench ARGS=anomalies`: what of planted fraud is found.
"""

import sys

from tests.benchmarks import anomalies, identity, models, pipelines, serving, tills

PARTS = {
    "tills": tills.main,
    "identity": identity.main,
    "serving": serving.main,
    "models": models.main,
    "anomalies": anomalies.main,
}

if sys.argv[1:2] and sys.argv[1] in PARTS:
    PARTS[sys.argv[1]](sys.argv[2:])
else:
    pipelines.main(sys.argv[1:])
