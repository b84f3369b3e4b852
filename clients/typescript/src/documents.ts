/**
 * Every document that the client sends. `types.ts` is made from these and from the server's schema.
 *
 * A row names others by their ids only: what is copied into a row would grow old there, because a change is told of
 * the thing that changed and of nothing else. For the same reason no computed field is asked for. Fields of one name
 * and different types, such as the `state` of a task and of an order, have to be called differently where either may
 * come.
 */

const fragments: Record<string, string> = {
  Store: `fragment StoreFields on Store {
    __typename id version code name city timeZone storeState: state openingHours { opens closes } }`,
  Staff: `fragment StaffFields on Staff {
    __typename id version number name role staffState: state store { id } accounts { id kind } }`,
  TagGroup: `fragment TagGroupFields on TagGroup { __typename id version name choice }`,
  Tag: `fragment TagFields on Tag { __typename id version name color retiredAt isPersonal group { id } }`,
  Relationship: `fragment RelationshipFields on Relationship {
    __typename id version isPrimary remark lastContactAt createdAt customer { id } store { id } holder { id } }`,
  Customer: `fragment CustomerFields on Customer {
    __typename id version memberNumber name tier tierUntil birthday city phoneMasked doNotContact doNotContactAt joinedAt
    tags { id setBy setAt } }`,
  Task: `fragment TaskFields on Task {
    __typename id version kind title reason suggestedWords priority dueAt snoozedUntil taskState: state taskSource: source
    outcome outcomeRemark skipReason createdAt closedAt alertAt seenAt escalatesAt escalatedAt expiresAt ruleId campaignId
    campaignName customer { id } relationship { id } keeper { id } store { id } }`,
  Note: `fragment NoteFields on Note { __typename id version body at author { id } relationship { id } }`,
  Visit: `fragment VisitFields on Visit {
    __typename id version at remark account { id } author { id } relationship { id } }`,
  Order: `fragment OrderFields on Order {
    __typename id version source number orderState: state channel country amount currency placedAt day paidAt completedAt city
    answeredAt store { id } customer { id } relationship { id } servedBy { id } 
    credits { part reason points amount decidedAt account { id } }
    lines { line productCode skuCode name kind quantity amount } }`,
  Refund: `fragment RefundFields on Refund {
    __typename id version source number amount currency placedAt day store { id } customer { id } order { id }
    charges { part amount account { id } } isVoid lines { line productCode name kind quantity amount } }`,
  Credit: `fragment CreditFields on Credit {
    __typename id version creditReason: reason points amount refunded decidedAt orderNumber orderAmount orderState currency placedAt
    article store { id } account { id } }`,
  ImportRun: `fragment ImportRunFields on ImportRun {
    __typename id version importKind: kind source fileName phase startedAt finishedAt }`,
};

const KINDS = Object.keys(fragments);

/** The kinds of things that this client keeps, as changes call them; it steps over others. */
export const kinds: ReadonlySet<string> = new Set(KINDS.map(entityTypeOf));

fragments["Place"] = `fragment PlaceFields on Place { feed seq }`;
fragments["ChangedNode"] = `fragment ChangedNodeFields on ChangedNode {
  __typename ... on Versioned { id version } ${KINDS.map((kind) => `...${kind}Fields`).join(" ")} }`;

/** How changes call a type: `TAG_GROUP` for `TagGroup`. */
export function entityTypeOf(typename: string): string {
  return typename.replace(/[A-Z]/g, (letter, at) => (at === 0 ? letter : `_${letter}`)).toUpperCase();
}

/** The document with the fragments that it names, and those that these name. */
function whole(text: string): string {
  const named = new Set<string>();
  const collect = (part: string): void => {
    for (const [, name = ""] of part.matchAll(/\.\.\.(\w+)Fields/g)) {
      const fragment = fragments[name];
      if (fragment === undefined) throw new Error(`There is no fragment ${name}Fields.`);
      if (!named.has(name)) {
        named.add(name);
        collect(fragment);
      }
    }
  };
  collect(text);
  return [text, ...[...named].map((name) => fragments[name])].join("\n").replace(/\s+/g, " ");
}

export const SIGN_IN = whole(`mutation SignIn($brand: String!, $number: String!, $password: String!) {
  result: signIn(brand: $brand, number: $number, password: $password) {
    __typename ... on SignedIn { accessToken refreshToken } ... on Problem { code message } } }`);

export const REFRESH = whole(`mutation Refresh($refreshToken: String!) {
  result: refreshSession(refreshToken: $refreshToken) {
    __typename ... on SignedIn { accessToken refreshToken } ... on Problem { code message } } }`);

export const SNAPSHOT = whole(`query Snapshot($after: Cursor, $first: Int!) {
  snapshot(after: $after, first: $first) {
    items { entityType id version relationshipId node { ...ChangedNodeFields } }
    next cursor places { ...PlaceFields } } }`);

/** What a copy is made of: one that was made with other documents has to be fetched anew. */
export const SHAPE = whole(fragments["ChangedNode"]);

export const LIVE = whole(`subscription Live($after: Cursor) {
  changes(after: $after) {
    changes { op entityType id version relationshipId node { ...ChangedNodeFields } }
    mustRefetch upToDate cursor places { ...PlaceFields } } }`);

/** A mutation whose payload has one row, or a list of rows, under `row`. */
function mutation(name: string, variables: string, payload: string, row: string, kind: string): string {
  const names = [...variables.matchAll(/\$(\w+):/g)].map(([, each]) => `${each}: $${each}`).join(", ");
  const operation = name.charAt(0).toUpperCase() + name.slice(1);
  return whole(`mutation ${operation}(${variables}, $idempotencyKey: String) {
    result: ${name}(${names}, idempotencyKey: $idempotencyKey) {
      __typename ... on ${payload} { places { ...PlaceFields } ${row} { ...${kind}Fields } }
      ... on Problem { code message current { __typename id version ...${kind}Fields } } } }`);
}

/**
 * What can be put into the queue, by the name under which it lies there. All have the shape that the outbox reads:
 * the field is called `result`, a payload has `places`, and the variables have `idempotencyKey`.
 */
export const mutations = {
  createTask: mutation("createTask", "$input: NewTask!", "TaskChanged", "task", "Task"),
  completeTask: mutation(
    "completeTask",
    "$id: ID!, $outcome: Outcome, $remark: String, $expectedVersion: Int",
    "TaskChanged",
    "task",
    "Task",
  ),
  snoozeTask: mutation(
    "snoozeTask",
    "$id: ID!, $until: DateTime!, $expectedVersion: Int",
    "TaskChanged",
    "task",
    "Task",
  ),
  cancelTask: mutation("cancelTask", "$id: ID!, $remark: String, $expectedVersion: Int", "TaskChanged", "task", "Task"),
  createCustomer: mutation("createCustomer", "$input: NewCustomer!", "CustomerChanged", "customer", "Customer"),
  editCustomer: mutation(
    "editCustomer",
    "$id: ID!, $name: String, $tier: String, $tierUntil: Date, $birthday: Date, $city: String, $expectedVersion: Int",
    "CustomerChanged",
    "customer",
    "Customer",
  ),
  editRemark: mutation(
    "editRemark",
    "$customerId: ID!, $remark: String, $expectedVersion: Int",
    "RelationshipChanged",
    "relationship",
    "Relationship",
  ),
  addNote: mutation("addNote", "$customerId: ID!, $body: String!", "NoteChanged", "note", "Note"),
  editNote: mutation("editNote", "$id: ID!, $body: String!, $expectedVersion: Int", "NoteChanged", "note", "Note"),
  noteVisit: mutation(
    "noteVisit",
    "$customerId: ID!, $at: DateTime, $remark: String",
    "VisitChanged",
    "visit",
    "Visit",
  ),
  addTags: mutation("addTags", "$customerIds: [ID!]!, $tagIds: [ID!]!", "CustomersTagged", "customers", "Customer"),
  removeTags: mutation(
    "removeTags",
    "$customerIds: [ID!]!, $tagIds: [ID!]!",
    "CustomersTagged",
    "customers",
    "Customer",
  ),
  reassignRelationship: mutation(
    "reassignRelationship",
    "$id: ID!, $toAccountId: ID!, $expectedVersion: Int",
    "RelationshipChanged",
    "relationship",
    "Relationship",
  ),
} as const;

/** What is asked for otherwise. */
export const asked = { SIGN_IN, REFRESH, SNAPSHOT, LIVE } as const;
