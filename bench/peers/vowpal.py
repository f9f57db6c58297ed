# SPDX-License-Identifier: Apache-2.0
"""Runs Vowpal Wabbit's own file driver: the first argument is its arguments, each other a data file, for which a new workspace
reads, learns and counts. Written is a line of JSON for each: the mean loss, the examples, and the seconds from before the workspace
was made until the file was learned."""

import json
import sys
import time

from vowpalwabbit import Workspace

for path in sys.argv[2:]:
    begin = time.perf_counter()
    w = Workspace(f"-d {path} {sys.argv[1]} --quiet")  # made with a data file, the driver has read it when this returns
    seconds = time.perf_counter() - begin
    n = w.get_weighted_examples()
    print(json.dumps({"loss": w.get_sum_loss() / n, "examples": int(n), "seconds": seconds}), flush=True)
    w.finish()
