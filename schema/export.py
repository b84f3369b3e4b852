"""Write the schema's SDL beside this file: `python -m schema.export`."""

from pathlib import Path

from schema.root import schema

SDL = Path(__file__).with_name("schema.graphql")

if __name__ == "__main__":
    SDL.write_text(schema.as_str() + "\n", encoding="utf-8")
