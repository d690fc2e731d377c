"""Whether a new model becomes champion: its own gates, and its paired interval against the champion."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crm_ml import tracking
from crm_ml.errors import CrmError, InputError, StoreUnavailable
from crm_ml.evaluation.significance import LEVEL
from crm_ml.train.compare.logged_rows import Logged
from crm_ml.train.compare.paired import Comparison, common_parts, compare_rows
from crm_ml.train.compare.scored_rows import ScoredRows
from crm_ml.train.compare.stores import rows_of
from crm_ml.train.promote.aliases import CHALLENGER, CHAMPION, holder, rolled_back

if TYPE_CHECKING:
    from crm_ml.evaluation.significance import Interval
    from crm_ml.tracking import ModelVersion
    from crm_ml.train.record.outcome import Outcome

FEWEST = 30
_NEW, _OLD = "new", "champion"
_TARGET = ("target", "horizon_days", "gap_days", "active_within_days", "time_unit")


@dataclass(frozen=True)
class Decision:
    """What becomes of a new model, and why.

    Parameters
    ----------
    role : {"champion", "challenger"}
    reason : str
    moves : bool
        Whether the alias ``champion`` moves to the new version; an identical model leaves it where it is.
    champion : str, optional
        Version that was champion before.
    basis : str, optional
        Whether the champion was re-scored on the new test rows, or its logged predictions were taken.
    window : tuple of str
        Folds that decided.
    differences : mapping of str to Interval
        New model minus champion, by part.
    """

    role: str
    reason: str
    moves: bool = False
    champion: str | None = None
    basis: str | None = None
    window: tuple[str, ...] = ()
    differences: "Mapping[str, Interval] | None" = None


def decide(new: "ModelVersion", outcome: "Outcome", logged: Logged | None) -> Decision:
    """Decide by the gates of the run and by the champion on the newest complete window.

    Parameters
    ----------
    new : ModelVersion
        With its content and its manifest.
    outcome : Outcome
    logged : Logged, optional
        The test rows of the run under pseudonyms.

    Returns
    -------
    Decision
        Champion if all gates hold and there is no champion yet, or the paired 95 % interval of the deciding
        metric lies above zero on a part and below zero on none; otherwise challenger. Several parts, the arms
        of uplift, share the 5 %. A model of the same sums as the champion is champion too and moves nothing.
        A champion that this version of crm_ml can't load scores nobody, and is replaced.

    References
    ----------
    .. [1] Dunn (1961). Multiple comparisons among means. JASA 56(293), section 3 (Bonferroni's inequality).
    """
    failed = [f"{gate.name} ({gate.reason})" for gate in outcome.gates if not gate.passed]
    client = tracking.connect()
    registered = holder(client, new.name, CHAMPION)
    number = None if registered is None else str(registered.version)
    if failed:
        return Decision(CHALLENGER, f"gates fail: {'; '.join(failed)}", champion=number)
    if registered is None:
        return Decision(CHAMPION, "the first model of this name whose gates hold", moves=True)
    assert number is not None
    try:
        old = tracking.registered(new.name, number)
        if old.content == new.content:
            return Decision(CHAMPION, f"identical to the champion, version {number}", champion=number)
        out = rolled_back(client, new.name, new.content)
        if out is not None:
            raise InputError(f"identical to version {out}, which was rolled back")
        return _against(new, old, outcome.rows, logged, str(registered.run_id))
    except StoreUnavailable:
        raise
    except tracking.LoaderGone:
        reason = f"the champion, version {number}, is of a version of crm_ml that this one can't load"
        return Decision(CHAMPION, reason, moves=True, champion=number)
    except CrmError as error:
        reason = (
            f"not compared with the champion, version {number}: {error}; promote it by hand if it shall be"
        )
        return Decision(CHALLENGER, reason, champion=number)


def _against(
    new: "ModelVersion", old: "ModelVersion", rows: ScoredRows | None, logged: Logged | None, run_id: str
) -> Decision:
    if rows is None or logged is None:
        raise InputError("the run kept no test rows")
    differs = [key for key in _TARGET if _target(new, key) != _target(old, key)]
    if differs:
        raise InputError(f"another target ({', '.join(differs)})")
    basis, pair = _pair(old, rows, logged, run_id)
    metric = str(logged.about["decides"])
    level = 1 - (1 - LEVEL) / len(logged.about["deciding"])
    comparison = compare_rows(pair, [metric], level)
    deciding = [part for part in logged.about["deciding"] if part in comparison.parts]
    if not deciding:
        raise InputError(f"no common test row of {', '.join(logged.about['deciding'])}")
    differences = {part: comparison.difference(part, metric, _NEW) for part in deciding}
    window = tuple(sorted({fold for part in deciding for fold in pair[_OLD].frames[part]["fold"]}))
    better = any(interval.low > 0 for interval in differences.values())
    worse = any(interval.high < 0 for interval in differences.values())
    role = CHAMPION if better and not worse else CHALLENGER
    figures = _figures(comparison, metric, deciding)
    verb = "beats" if role == CHAMPION else "does not clearly beat"
    reason = f"{verb} the champion, version {old.version} ({basis}), on {_shown(window)}: {figures}"
    return Decision(role, reason, role == CHAMPION, old.version, basis, window, differences)


def _pair(
    old: "ModelVersion", rows: ScoredRows, logged: Logged, run_id: str
) -> tuple[str, dict[str, Logged]]:
    """Return the champion and the new model on the rows of the newest complete window.

    The champion is scored again where its labels had ended when the window began; it would know the answers
    otherwise. Then, and where its family can't score again, what was logged of both decides: predictions of
    models that were trained before each window.
    """
    newest = newest_window({name: logged.frames[name] for name in rows.deciding}, logged)
    starts = min(logged.windows[fold].as_of for fold in newest)
    known = str(old.details.get("labels_end", "9999"))
    why = "its family keeps nothing to score again"
    if rows.rescore is not None and known <= starts:
        try:
            again = logged.saying(rows, rows.rescore(old.folder)).at(newest)
            return "re-scored", {_OLD: again, _NEW: logged.at(newest)}
        except (CrmError, KeyError, ValueError) as error:
            why = f"it can't score these rows: {error}"
    elif rows.rescore is not None:
        why = f"its labels end on {known}, after {starts}"
    theirs = rows_of(tracking.connect(), run_id, f"the run of version {old.version}")
    shared = common_parts({_NEW: logged, _OLD: theirs})
    common = {part: each[_NEW].reset_index() for part, each in shared.items() if part in rows.deciding}
    if not common:
        raise InputError(f"no common test row of {', '.join(rows.deciding)}")
    folds = newest_window(common, logged)
    return f"logged predictions, since {why}", {_OLD: theirs.at(folds), _NEW: logged.at(folds)}


def newest_window(frames: Mapping[str, Any], logged: Logged) -> set[str]:
    """Return the folds of the newest day whose windows are complete, with older days while rows are few.

    Parameters
    ----------
    frames : mapping of str to pandas.DataFrame
        Rows by part, with fold and y.
    logged : Logged
        Which knows the days of each fold.

    Returns
    -------
    set of str
        Of as many days, newest first, as give 30 outcomes above zero in each part, and of probabilities
        30 of zero.

    Raises
    ------
    InputError
        If no window is complete, or all of them together are too few.
    """
    present = {fold for frame in frames.values() for fold in frame["fold"]}
    complete = {
        fold: window for fold, window in logged.windows.items() if fold in present and window.complete
    }
    if not complete:
        raise InputError("no test window is complete")
    folds: set[str] = set()
    for day in sorted({window.as_of for window in complete.values()}, reverse=True):
        folds |= {fold for fold, window in complete.items() if window.as_of == day}
        if all(
            _enough(frame[frame["fold"].isin(folds)], logged.kinds[part]) for part, frame in frames.items()
        ):
            return folds
    least = " and ".join(f"{name}: {_count(frame, complete)}" for name, frame in frames.items())
    raise InputError(
        f"the complete windows have too few outcomes to decide by, fewer than {FEWEST} above zero or, of "
        f"probabilities, of zero ({least})"
    )


def _count(frame: Any, folds: Collection[str]) -> str:
    rows = frame[frame["fold"].isin(list(folds))]
    return f"{int((rows['y'] > 0).sum()):,} of {len(rows):,}"


def _enough(rows: Any, kind: str) -> bool:
    above = int((rows["y"] > 0).sum())
    return above >= FEWEST and (kind != "probability" or len(rows) - above >= FEWEST)


def _target(version: "ModelVersion", key: str) -> Any:
    """Return an entry of the manifest that says what is predicted; the purpose says only of whom."""
    target = version.details.get(key)
    return {k: v for k, v in target.items() if k != "purpose"} if isinstance(target, Mapping) else target


def _shown(window: tuple[str, ...]) -> str:
    return window[0] if len(window) == 1 else f"{len(window)} windows from {window[0]} to {window[-1]}"


def _figures(comparison: Comparison, metric: str, parts: list[str]) -> str:
    texts = []
    for part in parts:
        interval, of = comparison.difference(part, metric, _NEW), "" if len(parts) == 1 else f" of {part}"
        texts.append(f"{metric}{of} {interval.value:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}]")
    return f"{comparison.parts[parts[0]]['rows']:,} rows, {'; '.join(texts)}"
