"""What to do about the parameters of a written URL: edits that fit together, and words where an edit is not enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pytest_asyncdb.model.fix import Replace
from pytest_asyncdb.model.place import Span
from pytest_asyncdb.urls.translation import Action

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pytest_asyncdb.urls.translation import Translation


class WrittenParameter(Protocol):
    """One ``name=value`` of a query as it stands in a file."""

    @property
    def span(self) -> Span:
        """Covers ``name=value`` without ``?`` or ``&``."""


def removal(
    one: WrittenParameter, parameters: Sequence[WrittenParameter], query: Span, gone: Collection[Span]
) -> Replace:
    """The edit that takes one parameter out of the query together with one separator.

    Made for all the parameters in ``gone`` at once, these edits never overlap and leave a well-formed query: what
    stands before the first parameter that stays goes with the separator after it, the rest with the one before.

    Args:
        one: the parameter to take out; its span is in ``gone``.
        parameters: all parameters of the query, in order.
        query: covers the query including its ``?``.
        gone: the spans of all parameters that are taken out.
    """
    spans = [parameter.span for parameter in parameters]
    index = spans.index(one.span)
    first_kept = next((i for i, span in enumerate(spans) if span not in gone), None)
    start, end = spans[index].start, spans[index].end
    if first_kept is not None and index < first_kept:
        end = spans[index + 1].start
    else:
        start = spans[index - 1].end if index else query.start
    column = one.span.column - (one.span.start - start)
    return Replace(Span(one.span.path, one.span.line, column, start, end), "")


def where_it_goes(one: Translation) -> str:
    """Say where a parameter belongs that has no place in the URL; starts with a blank, empty when that is all said.

    Values are named for numbers and server settings only, which hold no secret.
    """
    if one.action is Action.CONNECT_ARG:
        return f". Take it out of the URL and pass `connect_args={{{one.key!r}: {one.value!r}}}` to the engine"
    if one.action is Action.SETTINGS:
        return f". Take it out of the URL and pass `connect_args={{'server_settings': {dict(one.settings)!r}}}`"
    if one.action is Action.ENGINE_OPTION:
        return f". Take it out of the URL and pass `{one.key}={one.value!r}` to `create_async_engine`"
    if one.action is Action.CONTEXT:
        return ". Take it out of the URL and pass `connect_args={'ssl': context}` with an `ssl.SSLContext` that has it"
    return {Action.ADDRESS: ". Write it in the URL itself", Action.RESOLVE: ". Write what it names in the URL"}.get(
        one.action, ""
    )
