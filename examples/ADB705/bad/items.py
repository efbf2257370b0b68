"""Items."""

from fastapi import APIRouter

router = APIRouter(prefix="/items")  # expect: ADB705


@router.get("")
async def items() -> list[str]:
    """Everything there is."""
    return ["spoon"]
