"""Keep both servers up for somebody who wants to try the product on them."""

import signal
import sys

from tests.servers import postgres, redis


def main() -> None:
    with postgres() as database, redis() as cache:
        sys.stdout.write(f"export DATABASE_URL={database.url}\nexport REDIS_URL={cache.url}\n")
        sys.stdout.flush()
        try:
            signal.pause()
        except KeyboardInterrupt:
            sys.stdout.write("\n")


if __name__ == "__main__":
    main()
