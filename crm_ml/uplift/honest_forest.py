"""A regression forest whose trees choose their splits and their leaf values on different rows."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from crm_ml.errors import InputError
from crm_ml.models.encoding import Encoding
from crm_ml.models.estimator import as_table
from crm_ml.models.logistic import Floats
from crm_ml.models.predictor import Predictor
from crm_ml.models.training_rows import TrainingRows
from crm_ml.tables.part_file import read_arrays, read_options
from crm_ml.uplift import tree_nodes
from crm_ml.uplift.tree_nodes import Nodes, Places

if TYPE_CHECKING:
    import pandas as pd

_ARRAYS, _ENCODING, _PARAMETERS = "trees.npz", "encoding.json", "parameters.json"


@dataclass(kw_only=True, eq=False)
class HonestForest(Predictor):
    """Means of an amount with standard errors, by trees on random halves of the customers.

    Each bag of trees sees a random half of the customers. Each of its trees finds its splits on one half of
    these and the values of its leaves on the other one, so that no leaf answers for the luck that made it.
    How far the bags differ, beyond what trees differ within a bag, is the variance of the forest. Levels of a
    category are split in the order of their codes.

    Parameters
    ----------
    bags, bag_size : int
        Groups of trees, and trees in one.
    most_rows : int
        Rows that a tree takes at most.
    min_data_in_leaf : int
        Rows in a leaf, of those that find the splits. Few of them keep the bias below the standard error.
    features : float
        Share of the features that a split looks at.
    seed : int

    References
    ----------
    .. [1] Wager and Athey (2018). Estimation and inference of heterogeneous treatment effects using random
       forests. JASA 113, procedure 1 (honest trees).
    .. [2] Athey, Tibshirani and Wager (2019). Generalized random forests. Annals of Statistics 47,
       section 4.1 (bags on half-samples).
    """

    bags: int = 250
    bag_size: int = 4
    most_rows: int = 5_000
    min_data_in_leaf: int = 3
    features: float = 1.0
    seed: int = 0

    objective = "regression"

    def __post_init__(self) -> None:
        least = {"bags": 2, "bag_size": 2, "most_rows": 4, "min_data_in_leaf": 1}
        breaches = [
            f"{name} is {getattr(self, name)}; at least {n}"
            for name, n in least.items()
            if getattr(self, name) < n
        ]
        breaches += [f"features is {self.features:g}; above 0, at most 1"] * (not 0 < self.features <= 1)
        if breaches:
            raise InputError(f"HonestForest: {'; '.join(breaches)}")

    def fit(
        self,
        X: "pd.DataFrame | npt.ArrayLike",
        y: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Grow the trees; parameters and errors as `crm_ml.models.gradient_boosting`."""
        rows = TrainingRows.of(self.objective, *self._to_fit(X, y, sample_weight))
        customer = _customers(rows)
        rng = np.random.default_rng(self.seed)
        trees = []
        for _ in range(self.bags):
            bag = np.flatnonzero(_half_of(customer, rng))
            trees += [self._tree(rows, customer, bag, rng) for _ in range(self.bag_size)]
        self.encoding_ = rows.encoding
        self.roots_, self.nodes_ = tree_nodes.join(trees)
        return self

    def expected(self, X: "pd.DataFrame | npt.ArrayLike") -> Floats:
        """Return the amount of each row, shape (n,)."""
        return self._bags(X)[:, 0]

    def expected_with_errors(self, X: "pd.DataFrame | npt.ArrayLike") -> tuple[Floats, Floats]:
        """Return the amount of each row and its standard error, two of shape (n,).

        Notes
        -----
        The variance between the bags' means less ``within / bag_size``, section 4.1 of [2]_. Where few trees
        make that difference uncertain or negative, it is the mean of a normal distribution around it that is
        cut off at 0.
        """
        from scipy.stats import norm

        mean, between, within = self._bags(X).T
        noise = within / self.bag_size
        difference = between - noise
        error = np.maximum(np.maximum(between, noise) * np.sqrt(2 / self.bags), np.finfo(float).tiny)
        ratio = difference / error
        variance = difference + error * np.exp(norm.logpdf(ratio) - norm.logcdf(ratio))
        return mean, np.sqrt(np.maximum(variance, 0.0))

    def splits(self) -> int:
        """Return the number of splits in all trees."""
        return int((self.nodes_.feature >= 0).sum())

    def save(self, folder: Path) -> None:
        """Write trees as npz, encoding and parameters as JSON, into an existing folder."""
        self.encoding_.save(folder / _ENCODING)
        np.savez(folder / _ARRAYS, roots=self.roots_, **self.nodes_._asdict())
        parameters = {each.name: getattr(self, each.name) for each in fields(self)}
        (folder / _PARAMETERS).write_text(json.dumps(parameters, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a forest that `save` wrote."""
        model = cls(**read_options(folder / _PARAMETERS, cls))
        model.encoding_ = Encoding.load(folder / _ENCODING)
        model._features_of(model.encoding_)
        trees, columns = model.bags * model.bag_size, len(model.encoding_.columns)
        path = folder / _ARRAYS
        model.roots_, model.nodes_ = tree_nodes.checked(path, read_arrays(path), trees, columns)
        return model

    def _tree(self, rows: TrainingRows, customer: Places, bag: Places, rng: np.random.Generator) -> Nodes:
        from sklearn.tree import DecisionTreeRegressor

        take = rng.permutation(bag)[: self.most_rows]
        splits = _half_of(customer[take], rng)
        grown = DecisionTreeRegressor(
            min_samples_leaf=self.min_data_in_leaf,
            max_features=self.features,
            random_state=int(rng.integers(2**31)),
        )
        tree = grown.fit(rows.matrix[take[splits]], rows.y[take[splits]]).tree_
        nodes = Nodes.of(tree)
        return nodes._replace(value=_values(nodes, rows, take[~splits]))

    def _bags(self, X: "pd.DataFrame | npt.ArrayLike") -> Floats:
        """Return mean of the bags, variance between and mean variance within them, shape (n, 3)."""
        from crm_ml.uplift.honest_kernels import bag_means

        if not hasattr(self, "nodes_"):
            raise self._not_fitted()
        parts = []
        for matrix in self.encoding_.chunks(as_table(X, self)):
            out = np.empty((len(matrix), 3))
            bag_means(np.ascontiguousarray(matrix), self.roots_, self.nodes_, self.bag_size, out)
            parts.append(out)
        return np.concatenate(parts)


def _customers(rows: TrainingRows) -> Places:
    """Return a number of the customer of each row; without ids each row is a customer."""
    if "customer_id" not in rows.index.names:
        return np.arange(len(rows.y))
    return np.asarray(rows.index.get_level_values("customer_id").factorize()[0], dtype=np.int64)


def _half_of(customer: Places, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Return which rows belong to a random half of the customers, shape (n,)."""
    present, unit = np.unique(customer, return_inverse=True)
    drawn = np.zeros(len(present), dtype=bool)
    drawn[rng.permutation(len(present))[: (len(present) + 1) // 2]] = True
    return np.asarray(drawn[unit])


def _values(nodes: Nodes, rows: TrainingRows, take: Places) -> Floats:
    """Return the mean of some rows in each node; where none falls, that of the node above."""
    from crm_ml.uplift.honest_kernels import count_nodes

    count, sums = np.zeros_like(nodes.value), np.zeros_like(nodes.value)
    count_nodes(rows.matrix[take], rows.y[take], nodes, count, sums)
    means = np.divide(sums, count, out=np.zeros_like(sums), where=count > 0)
    for node in np.flatnonzero(nodes.feature >= 0):  # a node stands before its children
        for child in (nodes.left[node], nodes.right[node]):
            if not count[child]:
                means[child] = means[node]
    return means
