"""Real projects at fixed commits: what the checks say of them without configuration, against what is known of them.

    python benchmarks/projects.py LIST.json --checkouts DIRECTORY --venvs DIRECTORY [--mirrors DIRECTORY]

LIST is a list of projects with their faults and look-alikes, or one of fixes with the commits before and after
(``field/lists.py`` describes both). With ``--mirrors``, checkouts and environments that are not there are made from
bare mirrors first (``field/environments.py`` says how, and what happens when a declared dependency can't be
installed); the interpreters are those on ``PATH``. A repository without mirror is named and left out. Each project
is examined in a copy of its checkout, one after the other, each with a deadline.

The time of the checks (``-m asyncdb_check``) is compared with that of importing the app in pytest, like with like: both
cold, i.e. without any bytecode of the project, then both warm in the same copy; with ``--rounds``, the best of several.

Two modes: ``bare``, without any configuration, and ``secrets``, where ``asyncdb_env`` gives values for the secrets
that the list says the code asks for (``--values FILE`` has better ones, by project; others are invented).

``--json FILE`` keeps everything; run again with the same file, only what is not in it is run. What counts as found
is in ``field/matching.py``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from field import environments, lists, running, totals

if TYPE_CHECKING:
    from field.lists import Case
    from field.running import Outcome

PLUGIN = Path(__file__).resolve().parent.parent


def main() -> None:
    """Prepare, run, print."""
    options = _options()
    cases = [case for case in lists.read(options.list) if not options.only or case.name in options.only]
    values = json.loads(options.values.read_text(encoding="utf-8")) if options.values else {}
    kept = _kept(options.json)
    for case in cases:
        if options.mirrors and not _prepare(case, options):
            continue
        if options.prepare:
            continue
        for mode in options.mode or ["bare"]:
            outcome = kept.get((case.name, case.commit, mode)) or _run(case, mode, values.get(case.name, {}), options)
            if outcome is not None:
                kept[case.name, case.commit, mode] = outcome
                _keep(options.json, list(kept.values()))
    by_name = {case.name: case for case in cases}
    for mode in options.mode or ["bare"]:
        done = [
            totals.line(by_name[one.name], one) for one in kept.values() if one.name in by_name and one.mode == mode
        ]
        if done:
            _print(mode, done, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("list", type=Path, help="list of projects or of fixes, JSON")
    parser.add_argument("--checkouts", type=Path, required=True, help="folder of checkouts, by project name")
    parser.add_argument("--venvs", type=Path, required=True, help="folder of virtual environments, by project name")
    parser.add_argument("--mirrors", type=Path, help="folder of bare mirrors: make what is not there")
    parser.add_argument("--prepare", action="store_true", help="only make checkouts and environments")
    parser.add_argument("--plugin", type=Path, default=PLUGIN, help="tree of this plugin to install into environments")
    parser.add_argument("--uv", default=shutil.which("uv"), help="uv, by default the one on PATH; without it pip")
    parser.add_argument("--only", action="append", metavar="NAME", help="only this project; may be repeated")
    parser.add_argument("--mode", action="append", choices=("bare", "secrets"), help="default: bare; may be repeated")
    parser.add_argument("--values", type=Path, help="JSON file: project name to names and values for asyncdb_env")
    parser.add_argument("--json", type=Path, help="keep everything here, and take up from it")
    parser.add_argument("--deadline", type=float, default=180, help="seconds for one project")
    parser.add_argument("--rounds", type=int, default=1, help="warm runs of checks and import, of which the best count")
    parser.add_argument("--no-import", action="store_true", help="run the checks once, and do not time the import")
    return parser.parse_args()


def _prepare(case: Case, options: argparse.Namespace) -> bool:
    folders = environments.Folders(options.mirrors, options.checkouts, options.venvs, options.plugin.resolve())
    made = environments.prepare(case, folders, environments.Installer(options.uv))
    for text in (*made.told, *([f"NOT PREPARED: {made.failed}"] if made.failed else [])):
        print(f"{case.name}: {text}", flush=True)
    return not made.failed


def _run(case: Case, mode: str, given: dict[str, str], options: argparse.Namespace) -> Outcome | None:
    trial = running.Trial(case, options.checkouts / case.name, options.venvs / case.name)
    if not trial.ready:
        print(f"{case.name}: no checkout or no environment: --mirrors makes them", flush=True)
        return None
    secrets = running.secrets(case, given) if mode == "secrets" else {}
    told = running.Variables(secrets, running.everything(case, given))
    outcome = running.run(trial, told, mode, options.deadline, 0 if options.no_import else options.rounds)
    print(f"{case.name}: {totals.line(case, outcome).verdict} ({mode}, {outcome.seconds:.1f} s)", flush=True)
    return outcome


def _kept(path: Path | None) -> dict[tuple[str, str, str], Outcome]:
    if path is None or not path.is_file():
        return {}
    outcomes = [running.Outcome(**one) for one in json.loads(path.read_text(encoding="utf-8"))["outcomes"]]
    return {(one.name, one.commit, one.mode): one for one in outcomes}


def _keep(path: Path | None, outcomes: list[Outcome]) -> None:
    if path is not None:
        part = path.with_name(f"{path.name}.part")
        part.write_text(json.dumps({"outcomes": [one.as_json() for one in outcomes]}, indent=1), encoding="utf-8")
        part.replace(path)


def _print(mode: str, done: list[totals.Line], options: argparse.Namespace) -> None:
    print(f"\n== {mode} ==")
    for text in totals.table(done):
        print(text)
    print(f"\ntotals: {json.dumps(totals.as_json(done)['totals'], indent=1)}")
    if options.json:
        scored = options.json.with_suffix(f".{mode}.scored.json")
        scored.write_text(json.dumps(totals.as_json(done), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
