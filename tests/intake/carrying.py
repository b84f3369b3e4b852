"""Import files in tests, and look at a whole database without its ids, versions and times of writing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import text

from intake.models import Kind
from intake.models.mapping import AnyMapping
from intake.queries import mappings
from kernel.crypto import Vault
from kernel.work import Ground
from server.carry_in import Report, carry_in

SMALL = Path(__file__).parent.parent / "data" / "online_retail_small.csv"
VAULT = Vault(b"t" * 32)

_SNAPSHOT = {
    "brand": "select code, name, currency from brand",
    "region": "select code, name, path from region",
    "store": """select s.code, s.name, s.city, s.time_zone, s.opening_hours, s.state, r.code
        from store s join region r on r.id = s.region_id""",
    "staff": """select p.number, p.name, p.role, p.state, s.code, p.password_hash
        from staff p left join store s on s.id = p.store_id""",
    "assignment": """select p.number, a.role, s.code, a.ends_at
        from assignment a join staff p on p.id = a.staff_id left join store s on s.id = a.store_id""",
    "account": """select a.kind, s.code, p.number
        from account a join store s on s.id = a.store_id left join staff p on p.id = a.staff_id""",
    "customer": """select member_number, name, tier, birthday, city, phone_index, phone_masked, do_not_contact,
        joined_at from customer""",
    "relationship": """select c.member_number, s.code, hs.number, r.is_primary, r.remark, r.created_at
        from relationship r join customer c on c.id = r.customer_id join store s on s.id = r.store_id
        join account a on a.id = r.holder_id left join staff hs on hs.id = a.staff_id""",
    "holding": """select c.member_number, s.code, hs.number, h.reason, h.from_at, h.until_at
        from holding h join relationship r on r.id = h.relationship_id join customer c on c.id = r.customer_id
        join store s on s.id = r.store_id join account a on a.id = h.account_id
        left join staff hs on hs.id = a.staff_id""",
    "product": "select code, name, category, price from product",
    "order": """select o.source, o.number, s.code, c.member_number, rs.code, hs.number, o.state, o.channel,
        o.country, o.amount, o.currency, o.placed_at, o.day
        from mall_order o join store s on s.id = o.store_id left join customer c on c.id = o.customer_id
        left join relationship r on r.id = o.relationship_id left join store rs on rs.id = r.store_id
        left join account a on a.id = o.serving_account_id left join staff hs on hs.id = a.staff_id""",
    "order_line": """select o.number, l.line, p.code, l.product_code, l.name, l.variant, l.kind, l.quantity, l.amount,
        l.residue
        from order_line l join mall_order o on o.id = l.order_id left join product p on p.id = l.product_id""",
    "refund": """select f.source, f.number, s.code, c.member_number, rs.code, f.amount, f.currency, f.placed_at, f.day,
        g.number, f.is_void
        from refund f join store s on s.id = f.store_id left join customer c on c.id = f.customer_id
        left join relationship r on r.id = f.relationship_id left join store rs on rs.id = r.store_id
        join refund_charge k on k.refund_id = f.id and k.part = 1 and k.amount = f.amount
        left join account a on a.id = k.account_id left join staff g on g.id = a.staff_id""",
    "refund_line": """select f.number, l.line, l.product_code, l.name, l.kind, l.quantity, l.amount, l.residue
        from refund_line l join refund f on f.id = l.refund_id""",
    "credit": """select o.number, s.code, hs.number, k.reason, k.decided_at, k.part, k.points, k.amount
        from credit k join mall_order o on o.id = k.order_id join store s on s.id = k.store_id
        left join account a on a.id = k.account_id left join staff hs on hs.id = a.staff_id""",
    "imported_invoice": """select source, number, customer_key, ordered_at, store_code, guide_number, ignored_lines,
        digest from imported_invoice""",
    "imported_member": "select customer_key, store_code, guide_number, digest from imported_member",
    "feeds": "select count(*) from feed",
}
STAGING = ("import_staged_piece", "import_staged_invoice", "import_staged_member", "import_staged_customer")


def shipped(name: str, kind: Kind = Kind.ORDERS) -> AnyMapping:
    return mappings.load(name, kind)


async def carry(ground: Ground, path: Path, mapping: AnyMapping | None = None, **how: Any) -> Report:
    """Import a file, by default with the online-retail mapping."""
    return await carry_in(ground, path, mapping or shipped("online-retail"), VAULT, **how)


async def snapshot(ground: Ground) -> dict[str, list[str]]:
    """Every row of the domains as text, sorted, with names in the place of ids."""
    async with ground.db.read() as session:
        return {
            name: sorted(str(tuple(row)) for row in await session.execute(text(query)))
            for name, query in _SNAPSHOT.items()
        }


async def counts(ground: Ground, *tables: str) -> list[int]:
    """How many rows each table has."""
    async with ground.db.read() as session:
        return [int(await session.scalar(text(f"select count(*) from {table}")) or 0) for table in tables]  # noqa: S608


async def epochs(ground: Ground) -> list[str]:
    """Who starts anew gets another one."""
    async with ground.db.read() as session:
        return sorted(str(row[0]) for row in await session.execute(text("select epoch from feed")))


async def is_untouched(ground: Ground) -> bool:
    """Whether nothing was kept: no brand, no run, nothing staged."""
    tables = ("brand", "staff", "customer", "mall_order", "import_run", "imported_place", "imported_invoice", *STAGING)
    return not any(await counts(ground, *tables))


def write(path: Path, lines: Sequence[str], encoding: str = "utf-8") -> Path:
    """A file of these lines."""
    path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
    return path


def small_lines() -> list[str]:
    return SMALL.read_text(encoding="utf-8").splitlines()
