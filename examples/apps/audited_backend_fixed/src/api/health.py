"""Whether the service runs."""

from fastapi import APIRouter

from src.core.config import settings

router = APIRouter(tags=["health"])


@router.get("/health")
async def health() -> dict[str, str]:
    """Answer load balancers."""
    return {"status": "healthy", "environment": settings.ENVIRONMENT}
