"""The first step of a night, up to the score tables, as a command: the rest finds them."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Make what ``python -m crm_ml.score`` with the same arguments would make before it decides."""
    from crm_ml import commands
    from crm_ml import config as configs
    from crm_ml.actions.catalog import Catalog
    from crm_ml.datasets import load
    from crm_ml.parts.part_number import parts_of
    from crm_ml.parts.workers import LocalWorkers
    from crm_ml.score.batch import part_job
    from crm_ml.score.prepared_list import prepare
    from crm_ml.score.scored_parts import score_parts
    from crm_ml.score.settings import settings_of
    from crm_ml.score_tables.champion_set import champions
    from crm_ml.storage.paths import inside, project_root

    def score(given: Sequence[str] | None) -> None:
        parser = commands.parser("night_scores", "Features and scores of a night.")
        commands.add_list_settings(parser, "day of the list")
        options = parser.parse_args(given)
        settings = settings_of(options.config, commands.list_settings(options))
        catalog = configs.load(inside(project_root(), settings.actions), Catalog)
        tables = load(settings.data.name, settings.data.path, **settings.data.options)
        models = champions(settings.models, settings.day)
        job = prepare(settings, settings.day, catalog, tables, models, None)
        parts = settings.parts or parts_of(tables, settings.workers)
        done = part_job(job, settings.work_folder, parts)
        score_parts(done, LocalWorkers(settings.workers), lambda scored, count: print(scored, count))

    return commands.run(score, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
