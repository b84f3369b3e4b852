"""Brand, regions, stores, staff and accounts in GraphQL."""

import strawberry

from schema.directory.partner import PartnerIdMutations
from schema.directory.people import StaffMutations
from schema.directory.places import PlaceMutations
from schema.directory.queries import DirectoryQueries
from schema.directory.types import Account, Region, Staff, Store, account_of, region_of, staff_of, store_of


@strawberry.type
class DirectoryMutations(PlaceMutations, StaffMutations, PartnerIdMutations):
    """All that can be changed in the directory."""


__all__ = [
    "Account",
    "DirectoryMutations",
    "DirectoryQueries",
    "Region",
    "Staff",
    "Store",
    "account_of",
    "region_of",
    "staff_of",
    "store_of",
]
