"""Write the TypeScript client's types anew: `make types`."""

from tests.clients.node import CLIENT, node, types

if __name__ == "__main__":
    (CLIENT / "src" / "types.ts").write_text(types(node()), encoding="utf-8")
