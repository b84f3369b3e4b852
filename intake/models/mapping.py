"""A mapping: how the rows of a file become orders or members; checked as a whole before a file is opened."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from intake.models.words import (
    BrandRule,
    Condition,
    CustomerRule,
    FieldName,
    FileRule,
    GuideRule,
    Hours,
    LineRule,
    NumberRule,
    RegionRule,
    StaffRule,
    StoreRule,
    Strict,
    TimeRule,
    ValueRule,
    slots,
)


class Mapping(Strict):
    """What orders and members files have in common. Opening hours run from Monday to Sunday."""

    name: Annotated[str, Field(pattern="^[a-z0-9-]{1,32}$")]
    title: str = ""
    source: Annotated[str, Field(pattern="^[a-z0-9-]{1,32}$")]
    brand: BrandRule
    file: FileRule = FileRule()
    columns: Annotated[dict[FieldName, str], Field(max_length=100)]
    numbers: NumberRule = NumberRule()
    time: TimeRule
    values: list[ValueRule] = Field(default_factory=list)
    regions: list[RegionRule] = Field(default_factory=list)
    opening_hours: dict[FieldName, Hours] = Field(default_factory=dict)
    stores: list[StoreRule] = Field(default_factory=list)
    guides: list[GuideRule] = Field(default_factory=list)
    staff: list[StaffRule] = Field(default_factory=list)

    @property
    def optional_columns(self) -> dict[str, tuple[str, ...]]:
        """Fields whose column a file may lack: the first of these headers that it has is theirs."""
        return {}

    def _check_names(self, conditions: list[tuple[str, Condition]]) -> None:
        known = {*self.columns}
        for index, rule in enumerate(self.values):
            _require(rule.field in known, f"values.{index}.field", f"there is no field {rule.field}")
            _require(rule.name not in known, f"values.{index}.name", f"{rule.name} is taken")
            known.add(rule.name)
        for place, condition in conditions:
            _require(condition.field in self.columns, place, f"there is no column for {condition.field}")
        regions: set[str] = set()
        for index, region in enumerate(self.regions):
            _require(region.code not in regions, f"regions.{index}", f"{region.code} is there twice")
            _require(
                region.parent is None or region.parent in regions, f"regions.{index}.parent", "name the parent first"
            )
            regions.add(region.code)
        for index, store in enumerate(self.stores):
            _require(store.region is None or store.region in regions, f"stores.{index}.region", "no such region")
            hours = store.opening_hours
            _require(hours is None or hours in self.opening_hours, f"stores.{index}.opening_hours", "no such hours")
            _require_slots(store.code, known, f"stores.{index}.code")
            _require_slots(store.name, known | {"store"}, f"stores.{index}.name")
        for index, guide in enumerate(self.guides):
            _require_slots(guide.number, known | {"store"}, f"guides.{index}.number")
            _require_slots(guide.name, known | {"store", "guide"}, f"guides.{index}.name")

    def _placing(self) -> list[tuple[str, Condition]]:
        stores = [(f"stores.{i}.when.{j}", c) for i, rule in enumerate(self.stores) for j, c in enumerate(rule.when)]
        guides = [(f"guides.{i}.when.{j}", c) for i, rule in enumerate(self.guides) for j, c in enumerate(rule.when)]
        return stores + guides


class OrderMapping(Mapping):
    """How a file of invoice lines becomes orders and refunds.

    `refund_amounts` says whether what is given back is written below zero or above it. `variant_columns` are the
    headers under which a file may give size, colour or the like; `columns.variant` is one that it has to have.
    """

    kind: Literal["orders"]
    lines: Annotated[list[LineRule], Field(min_length=1)]
    refund_amounts: Literal["negative", "positive"] = "negative"
    services: list[Condition] = Field(default_factory=list)
    customer: CustomerRule = CustomerRule()
    variant_columns: Annotated[tuple[str, ...], Field(max_length=20)] = ()

    @property
    def optional_columns(self) -> dict[str, tuple[str, ...]]:
        return {"variant": self.variant_columns} if self.variant_columns else {}

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for field in ("number", "at", "code"):
            _require(field in self.columns, "columns", f"{field} is missing")
        both = ("price" in self.columns) + ("amount" in self.columns)
        _require(both == 1, "columns", "either price (of a piece) or amount (of the line) is needed, not both")
        _require(
            "price" not in self.columns or "quantity" in self.columns, "columns", "with a price, quantity is needed"
        )
        _require(
            "variant" not in self.columns or not self.variant_columns,
            "variant_columns",
            "columns has variant already",
        )
        _require(bool(self.stores), "stores", "every order needs a store: give at least one rule")
        _require(not self.lines[-1].when, f"lines.{len(self.lines) - 1}", "the last rule takes the rest: no conditions")
        _require_slots(self.customer.name, {"customer"}, "customer.name")
        rules = [(f"lines.{i}.when.{j}", c) for i, rule in enumerate(self.lines) for j, c in enumerate(rule.when)]
        self._check_names([*rules, *((f"services.{i}", c) for i, c in enumerate(self.services)), *self._placing()])
        return self


class MemberMapping(Mapping):
    """How a file of members becomes customers. `yes` lists what counts as yes in a cell.

    `tier_until_columns` are the headers under which a file may give a tier's last day; `columns.tier_until` is one
    that it has to have.
    """

    kind: Literal["members"]
    yes: tuple[str, ...] = ("1", "Y", "YES", "TRUE", "是")
    tier_until_columns: Annotated[tuple[str, ...], Field(max_length=20)] = ()

    @property
    def optional_columns(self) -> dict[str, tuple[str, ...]]:
        return {"tier_until": self.tier_until_columns} if self.tier_until_columns else {}

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for field in ("customer", "name"):
            _require(field in self.columns, "columns", f"{field} is missing")
        _require(
            "tier_until" not in self.columns or not self.tier_until_columns,
            "tier_until_columns",
            "columns has tier_until already",
        )
        self._check_names(self._placing())
        return self


AnyMapping = OrderMapping | MemberMapping


def _require(fits: bool, place: str, reason: str) -> None:
    if not fits:
        raise ValueError(f"{place}: {reason}")


def _require_slots(template: str, known: set[str], place: str) -> None:
    for slot in slots(template):
        _require(slot in known, place, f"{{{slot}}} is neither a column nor a value")


def as_data(mapping: AnyMapping) -> dict[str, Any]:
    """The mapping as it is kept with an import, so that another process can finish it."""
    return mapping.model_dump(mode="json", exclude_defaults=False)
