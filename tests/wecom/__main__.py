"""`python -m tests.wecom --port 8099`: the simulator, until it is stopped."""

import argparse

import uvicorn

from tests.wecom.app import Simulator, create_app


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.wecom", description="WeCom, as far as a handover meets it.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes up the same refusals and tokens")
    given = parser.parse_args()
    uvicorn.run(create_app(Simulator(given.seed)), host=given.host, port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
