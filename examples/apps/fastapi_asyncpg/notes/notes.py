"""Notes of the account that is asking."""

from datetime import datetime

from fastapi import APIRouter, status
from pydantic import BaseModel, Field
from sqlalchemy import select

from notes.accounts import CurrentAccount, Session
from notes.models import Note

router = APIRouter(prefix="/notes", tags=["notes"])


class NewNote(BaseModel):
    """A note to keep."""

    text: str = Field(min_length=1)


class KeptNote(BaseModel):
    """A note as it was kept."""

    id: int
    text: str
    created_at: datetime


@router.get("")
async def all_notes(account: CurrentAccount, db: Session) -> list[KeptNote]:
    """All notes, newest first."""
    kept = await db.scalars(select(Note).where(Note.account_id == account.id).order_by(Note.id.desc()))
    return [KeptNote(id=note.id, text=note.text, created_at=note.created_at) for note in kept]


@router.post("", status_code=status.HTTP_201_CREATED)
async def keep(new: NewNote, account: CurrentAccount, db: Session) -> KeptNote:
    """Keep a note."""
    note = Note(account_id=account.id, text=new.text)
    db.add(note)
    await db.flush()
    await db.refresh(note)
    return KeptNote(id=note.id, text=note.text, created_at=note.created_at)
