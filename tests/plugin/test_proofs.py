from __future__ import annotations

COUNTS = "\nimport os\nwith open(os.environ['COUNTED'], 'a') as file: file.write('imported\\n')\n"


def test_a_fix_of_requirements_alone_is_proven_by_the_boot_that_was_seen(healthy, tmp_path):
    healthy.change("requirements.txt", "sqlalchemy[asyncio]", "sqlalchemy")
    healthy.write("src/main.py", (healthy.root / "src/main.py").read_text() + COUNTS)
    counted = tmp_path / "counted"
    run = healthy.pytest("--asyncdb-check", COUNTED=str(counted))

    run.says("ADB103", "proven: nothing that runs is changed")
    assert counted.read_text() == "imported\n"


def test_a_fix_of_code_is_proven_by_a_boot_of_its_own(healthy, tmp_path):
    healthy.change("requirements.txt", "sqlalchemy[asyncio]", "sqlalchemy")
    healthy.change("src/core/database.py", "expire_on_commit=False", "expire_on_commit=False, autocommit=False")
    healthy.write("src/main.py", (healthy.root / "src/main.py").read_text() + COUNTS)
    counted = tmp_path / "counted"
    run = healthy.pytest("--asyncdb-check", COUNTED=str(counted))

    run.says("ADB103", "proven: the fixed copy imports, starts")
    assert counted.read_text() == "imported\n" * 2
