"""Items."""

from fastapi import APIRouter

router = APIRouter(prefix="/items")


@router.get("")
async def items() -> list[str]:
    """Everything there is."""
    return ["spoon"]
