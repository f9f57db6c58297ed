# SPDX-License-Identifier: Apache-2.0
"""The estimators of the Open Bandit Pipeline, over logs that "headrace bench learn" hands in.

Standard input is a JSON list of logs. Each has the columns reward, action, position, context, propensity and logger, the
tables policy[position][action] and model[context][action], switch (the limit of Switch-DR) and, where several policies wrote
it, average: the propensities as if one had. Written is a JSON list of {estimator: value}.

The package asks for versions of others that no longer install. Of it, the two files with estimators are loaded, as they are,
and what they import; utils.py names torch in types only, so an empty module stands for that.
"""

import importlib.util
import json
import os
import sys
import types

import numpy as np

home = importlib.util.find_spec("obp").submodule_search_locations[0]
for name in ("obp", "obp.ope"):
    package = types.ModuleType(name)
    package.__path__ = [os.path.join(home, *name.split(".")[1:])]
    sys.modules[name] = package
sys.modules["torch"] = types.ModuleType("torch")
sys.modules["torch"].Tensor = sys.modules["torch"].tensor = type("Tensor", (), {})

from obp.ope import estimators, estimators_multi  # noqa: E402


def values(log):
    position = np.array(log["position"])
    n = len(position)
    policy, model = np.array(log["policy"]), np.array(log["model"])
    args = {
        "reward": np.array(log["reward"], dtype=float),
        "action": np.array(log["action"]),
        "position": np.zeros(n, dtype=int),
        "action_dist": policy[position][:, :, None],
        "estimated_rewards_by_reg_model": model[np.array(log["context"])][:, :, None],
        "pscore": np.array(log["propensity"], dtype=float),
    }
    of = {
        "IPS": estimators.InverseProbabilityWeighting(),
        "SNIPS": estimators.SelfNormalizedInverseProbabilityWeighting(),
        "DM": estimators.DirectMethod(),
        "DR": estimators.DoublyRobust(),
        "SNDR": estimators.SelfNormalizedDoublyRobust(),
        "Switch-DR": estimators.SwitchDoublyRobust(lambda_=log["switch"]),
    }
    if log.get("average"):
        of = {
            "balanced IPS": estimators_multi.MultiLoggersBalancedInverseProbabilityWeighting(),
            "balanced DR": estimators_multi.MultiLoggersBalancedDoublyRobust(),
            "weighted IPS": estimators_multi.MultiLoggersWeightedInverseProbabilityWeighting(),
            "weighted DR": estimators_multi.MultiLoggersWeightedDoublyRobust(),
        }
        args["pscore_avg"] = np.array(log["average"], dtype=float)
        args["stratum_idx"] = np.array(log["logger"])
    return {name: float(e.estimate_policy_value(**args)) for name, e in of.items()}


json.dump([values(log) for log in json.load(sys.stdin)], sys.stdout)
