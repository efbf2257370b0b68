"""The report for programs: schema ``pytest-asyncdb/1``, described by docs/reference/report.schema.json."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_asyncdb.report import words

if TYPE_CHECKING:
    from pytest_asyncdb.model.result import AppInfo, FixOutcome, ReportedFinding, Result, ServerInfo
    from pytest_asyncdb.model.serial import Json

SCHEMA = "pytest-asyncdb/1"


def render(result: Result) -> str:
    """Render the whole run: the same result always gives the same text, in ASCII."""
    document: Json = {
        "schema": SCHEMA,
        "environment": dict(result.environment),
        "server": _server(result.server),
        "app": _app(result.app),
        "apps": [_app(one) for one in result.apps],
        "incomplete": result.incomplete,
        "criteria": [
            {"id": one.id, "title": one.title, "verdict": str(one.verdict), "evidence": one.evidence}
            for one in result.criteria
        ],
        "findings": [_finding(one) for one in words.in_order(result.findings)],
        "checks": [
            {"id": one.id, "slug": one.slug, "outcome": str(one.outcome), "reason": one.reason} for one in result.checks
        ],
        "notes": [*result.notes, *result.left_out],
        "applied": list(result.applied),
        "diff": result.diff,
    }
    return json.dumps(document, indent=2) + "\n"


def _server(server: ServerInfo | None) -> Json:
    if server is None:
        return None
    return {
        "provider": server.provider,
        "version": server.version,
        "seconds": round(server.seconds, 3),
        "not_used": dict(server.not_used),
    }


def _app(app: AppInfo | None) -> Json:
    if app is None:
        return None
    return {"target": app.target, "found_in": app.found_in, "booted": app.booted, "path": app.path}


def _finding(reported: ReportedFinding) -> Json:
    finding = reported.finding
    return {
        "id": finding.id,
        "slug": finding.slug,
        "severity": str(finding.severity),
        "confidence": str(finding.confidence),
        "path": finding.place.path,
        "line": finding.place.line,
        "column": finding.place.column,
        "message": finding.message,
        "root_cause": finding.root_cause,
        "evidence": str(finding.evidence),
        "apps": list(reported.apps),
        "fixes": [_fix(outcome) for outcome in reported.fixes],
    }


def _fix(outcome: FixOutcome) -> Json:
    return {
        "title": outcome.fix.title,
        "safe": outcome.fix.safe,
        "diff": outcome.diff,
        "proof": str(outcome.proof),
        "why": outcome.why,
        "explanation": outcome.fix.why,
    }
