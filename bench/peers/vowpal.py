# SPDX-License-Identifier: Apache-2.0
"""Runs Vowpal Wabbit's own file driver: the first argument is its arguments, each other a data file, for which a new workspace
reads, learns and counts. Written is a line of JSON for each: the mean loss, the examples, and the seconds, and those of
processor time, from before the workspace was made until the file was learned."""

import json
import sys
import time

from vowpalwabbit import Workspace

for path in sys.argv[2:]:
    begin, cpu = time.perf_counter(), time.process_time()
    w = Workspace(f"-d {path} {sys.argv[1]} --quiet")  # made with a data file, the driver has read it when this returns
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    n = w.get_weighted_examples()
    print(json.dumps({"loss": w.get_sum_loss() / n, "examples": int(n), "seconds": seconds, "cpu": cpu}), flush=True)
    w.finish()
