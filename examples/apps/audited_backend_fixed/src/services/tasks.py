"""The tasks of an account."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from src.models import Task, User
from src.schemas.task import TaskCreate, TaskUpdate


async def list_tasks(session: AsyncSession, owner: User) -> Sequence[Task]:
    """All tasks of an account, by title."""
    result = await session.exec(select(Task).where(Task.owner_id == owner.id).order_by(Task.title))
    return result.all()


async def create_task(session: AsyncSession, owner: User, request: TaskCreate) -> Task:
    """Add a task."""
    task = Task(owner_id=owner.id, title=request.title)
    session.add(task)
    await session.commit()
    return task


async def find_task(session: AsyncSession, owner: User, task_id: UUID) -> Task | None:
    """One task, when it belongs to the account."""
    result = await session.exec(select(Task).where(Task.id == task_id, Task.owner_id == owner.id))
    return result.first()


async def update_task(session: AsyncSession, task: Task, request: TaskUpdate) -> Task:
    """Change what the request names."""
    for field, value in request.model_dump(exclude_none=True).items():
        setattr(task, field, value)
    await session.commit()
    return task


async def delete_task(session: AsyncSession, task: Task) -> None:
    """Remove a task for good."""
    await session.delete(task)
    await session.commit()
