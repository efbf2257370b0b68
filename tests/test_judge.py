from __future__ import annotations

import pytest

from pytest_asyncdb.judge import fails, in_order, judge, outcomes
from pytest_asyncdb.model.check import Check, NotJudgedError
from pytest_asyncdb.model.finding import Severity
from pytest_asyncdb.model.place import Place
from pytest_asyncdb.model.result import Outcome, ReportedFinding

FACTS = object()


def check(number, *, severity=Severity.BLOCKS, requires=(), at=(), unknown=""):
    one = Check(f"adb{number}_some_fault", severity=severity, since="0.1", requires=requires)

    @one
    def find(_facts):
        if unknown:
            raise NotJudgedError(unknown)
        return [one.finding(Place("a.py", line), f"line {line} is wrong", root_cause="Because.") for line in at]

    return one


def judged(*checks, lines=("",), fail_on="blocks"):
    return judge(FACTS, checks, lambda _path, number: lines[number - 1] if number <= len(lines) else "", fail_on)


def test_a_check_whose_ground_is_missing_is_skipped_and_says_why():
    result = judged(check(301, requires=("ADB201",), at=(1,)), check(201, at=(2,)))
    assert [f.id for f in result.findings] == ["ADB201"]
    assert [(o.id, o.outcome) for o in result.outcomes] == [("ADB301", Outcome.SKIPPED), ("ADB201", Outcome.FAILED)]
    assert "ADB201" in result.outcomes[0].reason


def test_what_could_not_be_judged_hands_its_reason_down():
    result = judged(check(701, unknown="the app was not booted"), check(706, requires=("ADB701",), at=(1,)))
    assert {o.reason for o in result.outcomes} == {"the app was not booted"}
    assert result.skipped("ADB706")


def test_an_advice_makes_nothing_moot_and_fails_nothing():
    result = judged(check(501, severity=Severity.ADVICE, at=(1,)), check(502, requires=("ADB501",), at=(1,)))
    assert [o.outcome for o in result.outcomes] == [Outcome.PASSED, Outcome.FAILED]


@pytest.mark.parametrize("fail_on", ["blocks", "latent", "advice"])
def test_the_lowest_failing_severity_is_the_users_choice(fail_on):
    names = ["blocks", "latent", "advice"]
    assert [fails(Severity(name), fail_on) for name in names] == [i <= names.index(fail_on) for i in range(3)]


def test_worst_first_then_the_order_of_an_apps_life():
    found = [
        f
        for one in (check(701, at=(1,)), check(501, severity=Severity.ADVICE, at=(1,)), check(101, at=(3, 2)))
        for f in one.run(FACTS)
    ]
    assert [(f.id, f.place.line) for f in in_order(found)] == [
        ("ADB101", 2),
        ("ADB101", 3),
        ("ADB701", 1),
        ("ADB501", 1),
    ]


@pytest.mark.parametrize(
    ("comment", "left"),
    [("x  # noqa: ADB301", 1), ("x  # noqa: E501, ADB301", 1), ("x  # noqa: ADB302", 2), ("x  # noqa", 2), ("x", 2)],
)
def test_a_comment_silences_exactly_what_it_names(comment, left):
    assert len(judged(check(301, at=(1, 2)), lines=(comment, "y")).findings) == left


def test_a_hidden_fault_fails_its_check_and_a_repaired_one_passes():
    skipped, failed = check(701, unknown="not booted"), check(301, at=(1,))
    judgement = judged(failed, skipped)
    hidden = skipped.finding(Place("a.py", 9), "startup fails", root_cause="Because.")
    reported = (ReportedFinding(judgement.findings[0]), ReportedFinding(hidden))
    told = outcomes((failed, skipped), judgement, reported, frozenset({judgement.findings[0]}), "blocks")
    assert [o.outcome for o in told] == [Outcome.PASSED, Outcome.FAILED]


def test_what_is_wrong_in_a_template_keeps_no_app_down_and_is_told_as_that():
    one = check(301, at=(1,))
    judgement = judge(FACTS, [one], lambda *_: "", "blocks", templates=("a.py",))
    [found] = judgement.findings
    assert found.severity is Severity.LATENT
    assert found.root_cause.startswith("Because. It is in a template")
    assert [o.outcome for o in judgement.outcomes] == [Outcome.PASSED]
    assert judge(FACTS, [one], lambda *_: "", "blocks", templates=("b.py",)).blocking
