"""Customers and the relationships that stores own, in GraphQL."""

from schema.customers.mutations import CustomerMutations, RelationshipChanged, RelationshipResult
from schema.customers.queries import CustomerQueries
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
