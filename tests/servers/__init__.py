"""Give the tests a real PostgreSQL and a real Redis, whatever the machine has.

    with postgres() as database, redis() as cache:
        ...

Each is looked for in this order: an address in the environment (TEST_POSTGRES_URL, TEST_REDIS_URL), installed
programs, programs from wheels among the development requirements, and for Redis Debian's package unpacked
into `var/`. What is started here listens on the loopback only and ends with the test run, even a killed one.

`python -m tests.servers` starts both and keeps them until Ctrl-C.
"""

from tests.servers.postgresql import Postgres, postgres
from tests.servers.processes import Server, ServerMissing
from tests.servers.redis_server import Redis, redis

__all__ = ["Postgres", "Redis", "Server", "ServerMissing", "postgres", "redis"]
