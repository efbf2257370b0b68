"""The tasks of the account that is logged in."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, status

from src.api.deps import CurrentUser, SessionDep
from src.models import Task
from src.schemas.task import TaskCreate, TaskResponse, TaskUpdate
from src.services import tasks

router = APIRouter(prefix="/tasks", tags=["tasks"])


async def get_own_task(task_id: UUID, user: CurrentUser, session: SessionDep) -> Task:
    """The task of the path, when it belongs to the account."""
    task = await tasks.find_task(session, user, task_id)
    if task is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "Task not found")
    return task


OwnTask = Annotated[Task, Depends(get_own_task)]


@router.get("")
async def list_tasks(user: CurrentUser, session: SessionDep) -> list[TaskResponse]:
    """All tasks."""
    return [TaskResponse.model_validate(task) for task in await tasks.list_tasks(session, user)]


@router.post("", status_code=status.HTTP_201_CREATED)
async def create_task(request: TaskCreate, user: CurrentUser, session: SessionDep) -> TaskResponse:
    """Add a task."""
    return TaskResponse.model_validate(await tasks.create_task(session, user, request))


@router.patch("/{task_id}")
async def update_task(request: TaskUpdate, task: OwnTask, session: SessionDep) -> TaskResponse:
    """Change a task."""
    return TaskResponse.model_validate(await tasks.update_task(session, task, request))


@router.delete("/{task_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_task(task: OwnTask, session: SessionDep) -> None:
    """Remove a task."""
    await tasks.delete_task(session, task)
