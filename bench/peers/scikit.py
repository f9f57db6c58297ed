# SPDX-License-Identifier: Apache-2.0
"""What scikit-learn makes of the same examples.

"coderec" reads JSON Lines of {"user", "features", "taken"}, leaves one user out at a time, and prints for each learner the
probabilities of all. The strength of the logistic regression's penalty is chosen by cross-validation over the users who are
left, and its numbers have their tails drawn in, as ours has it; boosting is as it comes.

"boost FILE ROWS COLUMNS" reads little-endian float64: a column after the other, then the labels, of two sets of so many
rows. It learns from the first, and prints the seconds that took, of the clock and of the processors, and the AUC on the second.
"""
import json
import sys
import time

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def coderec():
    rows = [json.loads(line) for line in sys.stdin]
    users = np.array([r["user"] for r in rows])
    taken = np.array([r["taken"] for r in rows])
    names = sorted({n for r in rows for n, v in r["features"].items() if not isinstance(v, str)})
    x = np.array([[r["features"].get(n, np.nan) for n in names] for r in rows], dtype=float)
    squashed = np.sign(x) * np.log1p(np.abs(x))
    gaps = np.isnan(x)
    gaps = gaps[:, gaps.any(axis=0)].astype(float)
    lists = sorted({n for r in rows for n, v in r["features"].items() if isinstance(v, str)})
    out = {"logistic regression": np.zeros(len(rows)), "histogram boosting": np.zeros(len(rows))}
    for user in sorted(set(users)):
        test, train = users == user, users != user
        hot = []
        for n in lists:
            column = np.array([r["features"].get(n, "") for r in rows])
            values, count = np.unique(column[train], return_counts=True)
            hot += [(column == v).astype(float) for v, c in zip(values, count) if c >= 20]
        hot = np.stack(hot, axis=1)
        filled = np.where(np.isnan(squashed), np.nanmean(squashed[train], axis=0), squashed)
        folds = GroupKFold(5)
        line = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)),
                            {"logisticregression__C": [0.003, 0.01, 0.03, 0.1, 0.3, 1.0]}, cv=folds, scoring="neg_log_loss")
        every = np.hstack([filled, gaps, hot])
        line.fit(every[train], taken[train], groups=users[train])
        out["logistic regression"][test] = line.predict_proba(every[test])[:, 1]
        trees = HistGradientBoostingClassifier(random_state=0)
        every = np.hstack([x, hot])
        trees.fit(every[train], taken[train])
        out["histogram boosting"][test] = trees.predict_proba(every[test])[:, 1]
    print(json.dumps({n: list(p) for n, p in out.items()}))


def boost(path, rows, columns):
    sets = np.fromfile(path, dtype="<f8").reshape(2, columns + 1, rows)
    (x, y), (a, b) = ((s[:columns].T, s[columns]) for s in sets)
    x = np.ascontiguousarray(x)
    learner = HistGradientBoostingClassifier(max_iter=100, max_leaf_nodes=31, learning_rate=0.1, min_samples_leaf=20, max_bins=255, early_stopping=False)
    start, busy = time.perf_counter(), time.process_time()
    learner.fit(x, y)
    took, busy = time.perf_counter() - start, time.process_time() - busy
    print(json.dumps({"seconds": took, "busy": busy, "auc": roc_auc_score(b, learner.predict_proba(np.ascontiguousarray(a))[:, 1])}))


if sys.argv[1] == "coderec":
    coderec()
else:
    boost(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
