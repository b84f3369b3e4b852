"""Customers and the relationships that stores own, in GraphQL."""

import strawberry

from schema.customers.profile import ProfileMutations
from schema.customers.queries import CustomerQueries
from schema.customers.service import RelationshipChanged, RelationshipResult, ServiceMutations
from schema.customers.types import (
    Customer,
    Note,
    Relationship,
    Visit,
    customer_of,
    note_of,
    relationship_of,
    visit_of,
)


@strawberry.type
class CustomerMutations(ProfileMutations, ServiceMutations):
    """All that can be changed about customers."""


__all__ = [
    "Customer",
    "CustomerMutations",
    "CustomerQueries",
    "Note",
    "Relationship",
    "RelationshipChanged",
    "RelationshipResult",
    "Visit",
    "customer_of",
    "note_of",
    "relationship_of",
    "visit_of",
]
