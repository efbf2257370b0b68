"""The sections of SQLAlchemy's documentation that the suites stand on."""

from __future__ import annotations

from pytest_asyncdb.suite.statements import Section

_ASYNCIO = "orm/extensions/asyncio.html"
_BASICS = "orm/session_basics.html"
_TRANSACTIONS = "orm/session_transaction.html"
_SESSION_API = "orm/session_api.html"
_STATES = "orm/session_state_management.html"
_CONNECTIONS = "core/connections.html"
_POOLING = "core/pooling.html"


def _api(name: str) -> Section:
    return Section(_ASYNCIO, f"sqlalchemy.ext.asyncio.{name}", name)


# Asynchronous I/O (asyncio)
SYNOPSIS_CORE = Section(_ASYNCIO, "synopsis-core", "Synopsis - Core")
SYNOPSIS_ORM = Section(_ASYNCIO, "asyncio-orm", "Synopsis - ORM")
CONCURRENT_TASKS = Section(_ASYNCIO, "asyncio-concurrency", "Using AsyncSession with Concurrent Tasks")
IMPLICIT_IO = Section(_ASYNCIO, "asyncio-orm-avoid-lazyloads", "Preventing Implicit IO when Using AsyncSession")
RUNNING_SYNC = Section(_ASYNCIO, "session-run-sync", "Running Synchronous Methods and Functions under asyncio")
EVENTS = Section(_ASYNCIO, "asyncio-events", "Using events with the asyncio extension")
EVENT_LOOPS = Section(_ASYNCIO, "using-multiple-asyncio-event-loops", "Using multiple asyncio event loops")
SCOPED_SESSION = Section(_ASYNCIO, "asyncio-scoped-session", "Using asyncio scoped session")
INSPECTOR = Section(_ASYNCIO, "asyncio-inspector", "Using the Inspector to inspect schema objects")
ENGINE_DISPOSE = _api("AsyncEngine.dispose")
CONNECTION_STREAM = _api("AsyncConnection.stream")
SESSIONMAKER = _api("async_sessionmaker")
SESSIONMAKER_CLASS = Section(_SESSION_API, "sqlalchemy.orm.sessionmaker.params.class_", "sessionmaker, class_")
SESSIONMAKER_INFO = Section(_SESSION_API, "sqlalchemy.orm.sessionmaker.params.info", "sessionmaker, info")
EXPIRE_ON_COMMIT = Section(_SESSION_API, "sqlalchemy.orm.Session.params.expire_on_commit", "Session, expire_on_commit")
SESSIONMAKER_BEGIN = _api("async_sessionmaker.begin")
SESSIONMAKER_CALL = _api("async_sessionmaker.__call__")
SESSIONMAKER_CONFIGURE = _api("async_sessionmaker.configure")
SESSION_ARGUMENTS = _api("AsyncSession.params.sync_session_class")
SESSION_GET_BIND = _api("AsyncSession.get_bind")
SESSION_STREAM = _api("AsyncSession.stream")
OBJECT_SESSION = _api("async_object_session")

# Session Basics
WHAT_IT_DOES = Section(_BASICS, "what-does-the-session-do", "What does the Session do ?")
OPENING_AND_CLOSING = Section(_BASICS, "session-getting", "Opening and Closing a Session")
FRAMING = Section(_BASICS, "session-begin-commit-rollback-block", "Framing out a begin / commit / rollback block")
USING_A_SESSIONMAKER = Section(_BASICS, "using-a-sessionmaker", "Using a sessionmaker")
DELETING = Section(_BASICS, "session-deleting", "Deleting")
FLUSHING = Section(_BASICS, "session-flushing", "Flushing")
GETTING = Section(_BASICS, "session-get", "Get by Primary Key")
REFRESHING = Section(_BASICS, "session-expiring", "Expiring / Refreshing")
AUTO_BEGIN = Section(_BASICS, "session-autobegin", "Auto Begin")
NO_AUTO_BEGIN = Section(_BASICS, "session-autobegin-disable", "Disabling Autobegin to Prevent Implicit Transactions")
COMMITTING = Section(_BASICS, "session-committing", "Committing")
ROLLING_BACK = Section(_BASICS, "session-rollback", "Rolling Back")
CLOSING = Section(_BASICS, "session-closing", "Closing")
WHEN_TO_CREATE = Section(
    _BASICS,
    "session-faq-whentocreate",
    "When do I construct a Session, when do I commit it, and when do I close it?",
)
SAFE_TO_SHARE = Section(
    _BASICS,
    "session-faq-threadsafe",
    "Is the Session thread-safe? Is AsyncSession safe to share in concurrent tasks?",
)
WEB_APPLICATIONS = Section("orm/contextual.html", "session-lifespan", "Using Thread-Local Scope with Web Applications")

# Transactions and Connection Management; State Management
MANAGING_TRANSACTIONS = Section(_TRANSACTIONS, "unitofwork-transaction", "Managing Transactions")
SAVEPOINTS = Section(_TRANSACTIONS, "session-begin-nested", "Using SAVEPOINT")
NESTED_TRANSACTION = Section(_TRANSACTIONS, "nested-transaction", "Nested Transaction")
EXPLICIT_BEGIN = Section(_TRANSACTIONS, "session-explicit-begin", "Explicit Begin")
BIND_OF_A_SESSION = Section(
    _TRANSACTIONS, "setting-isolation-for-individual-sessions", "Setting Isolation for Individual Sessions"
)
ISOLATION_OF_A_TRANSACTION = Section(
    _TRANSACTIONS, "setting-isolation-for-individual-transactions", "Setting Isolation for Individual Transactions"
)
EXTERNAL_TRANSACTION = Section(
    _TRANSACTIONS, "session-external-transaction", "Joining a Session into an External Transaction"
)
OBJECT_STATES = Section(_STATES, "session-object-states", "Quickie Intro to Object States")
MERGING = Section(_STATES, "unitofwork-merging", "Merging")
ILLEGAL_STATE = Section("errors.html", "error-isce", "IllegalStateChangeError and concurrency exceptions")

# Working with Engines and Connections; Connection Pooling; Engine Configuration
BASIC_USAGE = Section(_CONNECTIONS, "basic-usage", "Basic Usage")
COMMIT_AS_YOU_GO = Section(_CONNECTIONS, "commit-as-you-go", "Commit As You Go")
BEGIN_ONCE = Section(_CONNECTIONS, "begin-once", "Begin Once")
BEGIN_FROM_THE_ENGINE = Section(
    _CONNECTIONS, "connect-and-begin-once-from-the-engine", "Connect and Begin Once from the Engine"
)
MIXING_STYLES = Section(_CONNECTIONS, "mixing-styles", "Mixing Styles")
ISOLATION_OF_A_CONNECTION = Section(
    _CONNECTIONS,
    "setting-isolation-level-or-dbapi-autocommit-for-a-connection",
    "Setting Isolation Level or DBAPI Autocommit for a Connection",
)
ISOLATION_OF_AN_ENGINE = Section(
    _CONNECTIONS, "dbapi-autocommit-engine", "Setting Isolation Level or DBAPI Autocommit for an Engine"
)
SEVERAL_ISOLATION_LEVELS = Section(
    _CONNECTIONS, "dbapi-autocommit-multiple", "Maintaining Multiple Isolation Levels for a Single Engine"
)
AUTOCOMMIT = Section(
    _CONNECTIONS, "dbapi-autocommit-understanding", "Understanding the DBAPI-Level Autocommit Isolation Level"
)
DISPOSAL = Section(_CONNECTIONS, "engine-disposal", "Engine Disposal")
POOL_CONFIGURATION = Section(_POOLING, "connection-pool-configuration", "Connection Pool Configuration")
RESET_ON_RETURN = Section(_POOLING, "pool-reset-on-return", "Reset On Return")
PRE_PING = Section(_POOLING, "pool-disconnects-pessimistic", "Disconnect Handling - Pessimistic")
DISCONNECTS = Section(_POOLING, "disconnect-handling-optimistic", "Disconnect Handling - Optimistic")
URLS = Section("core/engines.html", "sqlalchemy.engine.URL.render_as_string", "URL.render_as_string")
CANCELLED_TASKS = Section("changelog/changelog_14.html", "change-1.4.19", "1.4.19: tasks that are cancelled")
STALE_STATEMENTS = Section("dialects/postgresql.html", "asyncpg-prepared-statement-cache", "Prepared Statement Cache")
