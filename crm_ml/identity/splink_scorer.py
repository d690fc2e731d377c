"""Probabilities that two profiles are one person's, by Splink (extra ``identity``)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crm_ml.errors import InputError
from crm_ml.extras import require
from crm_ml.identity.compared_pairs import block_parts
from crm_ml.identity.comparison import LEVELS, Comparison
from crm_ml.identity.fellegi_sunter import usual_blocks
from crm_ml.identity.profile_table import ID
from crm_ml.identity.recalibration import Recalibration
from crm_ml.tables.engine import connect
from crm_ml.tables.sql import ident

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

_RANDOM_PAIRS = 1_000_000.0


class SplinkScorer:
    """A scorer: a model of Splink 5 over the same comparisons as those of `FellegiSunter`.

    Splink estimates how often others agree from random pairs, and how often matches agree by expectation
    maximisation within blocks, each compared column in a block of another one.

    Parameters
    ----------
    comparisons : sequence of Comparison
        Two or more.
    blocks : sequence of str, optional
        Which profiles are compared; by default each compared column and each two of them. Splink compares
        all profiles of a block, however large it is.
    recall : float
        Share of the matches that agree in the first two compared columns, from which the prior follows.
    labelled : pandas.DataFrame, optional
        Pairs by which probabilities are recalibrated; see `FellegiSunter`.
    seed : int
        Of the random pairs.

    Raises
    ------
    ConfigError
        If Splink is not installed.

    References
    ----------
    Linacre, Lindsay, Manassis, Slade and Hepworth (2022). Splink: free software for probabilistic record
    linkage at scale. International journal of population data science 7.
    """

    def __init__(
        self,
        comparisons: Sequence[Comparison],
        blocks: Sequence[str] | None = None,
        recall: float = 0.5,
        labelled: "pd.DataFrame | None" = None,
        seed: int = 0,
    ) -> None:
        require("splink", "a scorer of Splink")
        self.comparisons = tuple(comparisons)
        self.blocks = usual_blocks(self.comparisons) if blocks is None else tuple(blocks)
        self.recall = recall
        self.labelled = labelled
        self.seed = seed

    def __call__(self, profiles: "pd.DataFrame") -> "pd.DataFrame":
        """Train on profiles, and return the pairs that share a block with their probabilities.

        Raises
        ------
        InputError
            If a column is absent, or fewer than two are compared.
        """
        names = [one.column for one in self.comparisons]
        if absent := sorted(set(names) - set(profiles.columns)):
            raise InputError(f"profiles: there is no column {', '.join(absent)} to compare")
        if len(names) < 2:
            raise InputError("Splink learns each column in blocks of another; compare two or more")
        with connect() as connection:
            columns = dict.fromkeys([ID, *names, *(n for b in self.blocks for n, _ in block_parts(b))])
            connection.register("given", profiles[list(columns)].astype("str"))
            forms = {one.column: one.value() for one in self.comparisons}
            chosen = ", ".join(f"{forms.get(name, ident(name))} AS {ident(name)}" for name in columns)
            connection.execute(f"CREATE TABLE profiles AS SELECT {chosen} FROM given ORDER BY {ident(ID)}")
            pairs = self._predicted(connection)
        pairs = pairs.rename(columns={f"{ID}_l": "left", f"{ID}_r": "right"})
        odds = np.log(2) * pairs["match_weight"].to_numpy(np.float64)
        frame = pairs[["left", "right"]]
        if self.labelled is not None:
            odds = Recalibration.fit(frame, odds, self.labelled).log_odds(odds)
        return frame.assign(probability=1 / (1 + np.exp(-np.clip(odds, -500, 500))))

    def _predicted(self, connection: "duckdb.DuckDBPyConnection") -> "pd.DataFrame":
        """Return the pairs of Splink's model, in order."""
        from splink import DuckDBAPI, Linker, SettingsCreator, block_on

        settings = SettingsCreator(
            link_type="dedupe_only",
            unique_id_column_name=ID,
            comparisons=[_comparison(one) for one in self.comparisons],
            blocking_rules_to_generate_predictions=[block_on(*_keys(block)) for block in self.blocks],
            retain_matching_columns=False,
        )
        api = DuckDBAPI(connection)
        linker = Linker(api.register("profiles"), settings, log_level=None)
        first = [one.column for one in self.comparisons[:2]]
        training = linker.training
        training.estimate_probability_two_random_records_match([block_on(*first)], recall=self.recall)
        training.estimate_u_using_random_sampling(max_pairs=_RANDOM_PAIRS, seed=self.seed)
        for column in first:
            training.estimate_parameters_using_expectation_maximisation(block_on(column))
        predicted: Any = linker.inference.predict()
        frame: pd.DataFrame = predicted.as_pandas_dataframe()
        return frame.sort_values([f"{ID}_l", f"{ID}_r"], ignore_index=True)


def _comparison(comparison: Comparison) -> Any:
    """Return Splink's comparison of the same levels."""
    from splink import comparison_level_library as levels
    from splink import comparison_library as library

    name = comparison.column
    column = f'"{name}"'
    equal = levels.ExactMatchLevel(name, term_frequency_adjustments=comparison.frequency)
    between = [
        levels.CustomLevel(test.format(left=f'"{name}_l"', right=f'"{name}_r"'), label_for_charts=test)
        for test in LEVELS[comparison.kind]
    ]
    return library.CustomComparison(
        output_column_name=name,
        comparison_description=f"{comparison.kind} {column}",
        comparison_levels=[levels.NullLevel(name), equal, *between, levels.ElseLevel()],
    )


def _keys(block: str) -> list[str]:
    """Return the SQL of the keys of a block."""
    return [
        name if letters is None else f"substr({name}, 1, {letters})" for name, letters in block_parts(block)
    ]
