import httpx

from notes import passwords


def test_a_password_fits_only_its_own_hash() -> None:
    password_hash = passwords.make_hash("correct horse")
    assert passwords.fits("correct horse", password_hash)
    assert not passwords.fits("battery staple", password_hash)


async def test_registering_needs_a_name_and_a_password(client: httpx.AsyncClient) -> None:
    response = await client.post("/auth/register", json={})
    assert response.status_code == 422
    assert [fault["loc"] for fault in response.json()["detail"]] == [["body", "name"], ["body", "password"]]


async def test_notes_need_credentials(client: httpx.AsyncClient) -> None:
    assert (await client.get("/notes")).status_code == 401
