"""Bodies of the task routes."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class TaskCreate(BaseModel):
    """A new task."""

    title: str = Field(min_length=1, max_length=200)


class TaskUpdate(BaseModel):
    """Changes to a task; what is left out stays."""

    title: str | None = Field(default=None, min_length=1, max_length=200)
    done: bool | None = None


class TaskResponse(BaseModel):
    """A task."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    title: str
    done: bool
