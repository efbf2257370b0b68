"""What SQL files of the project make."""

from __future__ import annotations

SQL = """
-- As the image of the database runs it.
CREATE EXTENSION IF NOT EXISTS "uuid-ossp";
create schema Shop;
CREATE TABLE IF NOT EXISTS shop.items (id int);
CREATE UNLOGGED TABLE "Odd Name" (id int);
CREATE OR REPLACE VIEW cheap AS SELECT 1;
CREATE MATERIALIZED VIEW old AS SELECT 1;
CREATE TYPE public.colour AS ENUM ('red');
-- CREATE TABLE once (id int); it's gone
/* CREATE TABLE
   CREATE SCHEMA never */ CREATE /* so */ INDEX by_name ON items (name);
CREATE INDEX by_id ON items (id);
"""


def test_what_they_make_is_known_with_its_place(facts):
    made = facts({"main.py": "", "db/init.SQL": SQL, "notes.md": "CREATE TABLE other ()"}).made_by_sql
    assert sorted(made) == [
        ("schema", "shop"),
        ("table", "Odd Name"),
        ("table", "cheap"),
        ("table", "items"),
        ("table", "old"),
        ("type", "colour"),
        ("type", "uuid-ossp"),
    ]
    assert str(made["table", "items"]) == "db/init.SQL:5:33"
