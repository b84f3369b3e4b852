/** Made by `make types` from the documents and the server's schema: don't edit. */

export type ChangedNode = Store | Staff | TagGroup | Tag | Relationship | Customer | Task | Note | Visit | Order | Refund | Credit | ImportRun;

export type Store = {
  __typename: "Store";
  id: string;
  version: number;
  code: string;
  name: string;
  city: string | null;
  timeZone: string;
  storeState: StoreState;
  openingHours: Array<{ opens: string; closes: string } | null>;
};

export type Staff = {
  __typename: "Staff";
  id: string;
  version: number;
  number: string;
  name: string;
  role: Role;
  staffState: StaffState;
  store: { id: string } | null;
  accounts: Array<{ id: string; kind: AccountKind }>;
};

export type TagGroup = { __typename: "TagGroup"; id: string; version: number; name: string; choice: Choice };

export type Tag = {
  __typename: "Tag";
  id: string;
  version: number;
  name: string;
  color: string;
  retiredAt: string | null;
  isPersonal: boolean;
  group: { id: string } | null;
};

export type Relationship = {
  __typename: "Relationship";
  id: string;
  version: number;
  isPrimary: boolean;
  remark: string | null;
  lastContactAt: string | null;
  createdAt: string;
  customer: { id: string } | null;
  store: { id: string } | null;
  holder: { id: string } | null;
};

export type Customer = {
  __typename: "Customer";
  id: string;
  version: number;
  memberNumber: string;
  name: string;
  tier: string | null;
  tierUntil: string | null;
  birthday: string | null;
  city: string | null;
  phoneMasked: string | null;
  doNotContact: boolean;
  doNotContactAt: string | null;
  joinedAt: string;
  tags: Array<{ id: string; setBy: SetBy; setAt: string }>;
};

export type Task = {
  __typename: "Task";
  id: string;
  version: number;
  kind: TaskKind;
  title: string;
  reason: string | null;
  suggestedWords: string | null;
  priority: number;
  dueAt: string;
  snoozedUntil: string | null;
  taskState: TaskState;
  taskSource: TaskSource;
  outcome: Outcome | null;
  outcomeRemark: string | null;
  skipReason: SkipReason | null;
  createdAt: string;
  closedAt: string | null;
  alertAt: string | null;
  seenAt: string | null;
  escalatesAt: string | null;
  escalatedAt: string | null;
  expiresAt: string | null;
  ruleId: string | null;
  campaignId: string | null;
  campaignName: string | null;
  customer: { id: string } | null;
  relationship: { id: string } | null;
  keeper: { id: string } | null;
  store: { id: string } | null;
};

export type Note = {
  __typename: "Note";
  id: string;
  version: number;
  body: string;
  at: string;
  author: { id: string } | null;
  relationship: { id: string } | null;
};

export type Visit = {
  __typename: "Visit";
  id: string;
  version: number;
  at: string;
  remark: string | null;
  account: { id: string } | null;
  author: { id: string } | null;
  relationship: { id: string } | null;
};

export type Order = {
  __typename: "Order";
  id: string;
  version: number;
  source: string;
  number: string;
  orderState: OrderState;
  channel: Channel;
  country: string | null;
  amount: number;
  currency: string;
  placedAt: string;
  day: string;
  paidAt: string | null;
  completedAt: string | null;
  city: string | null;
  answeredAt: string | null;
  store: { id: string } | null;
  customer: { id: string } | null;
  relationship: { id: string } | null;
  servedBy: { id: string } | null;
  credits: Array<{ part: number; reason: CreditReason; points: number; amount: number; decidedAt: string; account: { id: string } | null }>;
  lines: Array<{ line: number; productCode: string; skuCode: string | null; name: string; kind: LineKind; quantity: number; amount: number }>;
};

export type Refund = {
  __typename: "Refund";
  id: string;
  version: number;
  source: string;
  number: string;
  amount: number;
  currency: string;
  placedAt: string;
  day: string;
  store: { id: string } | null;
  customer: { id: string } | null;
  order: { id: string } | null;
  charges: Array<{ part: number; amount: number; account: { id: string } | null }>;
  isVoid: boolean;
  lines: Array<{ line: number; productCode: string; name: string; kind: LineKind; quantity: number; amount: number }>;
};

export type Credit = {
  __typename: "Credit";
  id: string;
  version: number;
  creditReason: CreditReason;
  points: number;
  amount: number;
  refunded: number;
  decidedAt: string;
  orderNumber: string;
  orderAmount: number;
  orderState: OrderState;
  currency: string;
  placedAt: string;
  article: string | null;
  store: { id: string } | null;
  account: { id: string } | null;
};

export type ImportRun = {
  __typename: "ImportRun";
  id: string;
  version: number;
  importKind: ImportKind;
  source: string;
  fileName: string;
  phase: ImportPhase;
  startedAt: string;
  finishedAt: string | null;
};

export type Place = { feed: string; seq: number };

export type SignInAnswer = {
  result: { __typename: "SignedIn"; accessToken: string; refreshToken: string } | { __typename: "Problem"; code: string; message: string };
};

export type RefreshAnswer = {
  result: { __typename: "SignedIn"; accessToken: string; refreshToken: string } | { __typename: "Problem"; code: string; message: string };
};

export type SnapshotAnswer = {
  snapshot: { items: Array<{ entityType: EntityType; id: string; version: number; relationshipId: string | null; node: ChangedNode }>; next: string | null; cursor: string; places: Array<Place> };
};

export type LiveAnswer = {
  changes: { changes: Array<{ op: ChangeOp; entityType: EntityType; id: string; version: number; relationshipId: string | null; node: ChangedNode | null }>; mustRefetch: boolean; upToDate: boolean; cursor: string; places: Array<Place> };
};

export type SignInVariables = { brand: string; number: string; password: string };

export type RefreshVariables = { refreshToken: string };

export type SnapshotVariables = { after?: string | null; first: number };

export type LiveVariables = { after?: string | null };

export type CreateTaskVariables = { input: NewTask; idempotencyKey?: string | null };

export type CompleteTaskVariables = {
  id: string;
  outcome?: Outcome | null;
  remark?: string | null;
  expectedVersion?: number | null;
  idempotencyKey?: string | null;
};

export type SnoozeTaskVariables = {
  id: string;
  until: string;
  expectedVersion?: number | null;
  idempotencyKey?: string | null;
};

export type CancelTaskVariables = {
  id: string;
  remark?: string | null;
  expectedVersion?: number | null;
  idempotencyKey?: string | null;
};

export type CreateCustomerVariables = { input: NewCustomer; idempotencyKey?: string | null };

export type EditCustomerVariables = {
  id: string;
  name?: string | null;
  tier?: string | null;
  tierUntil?: string | null;
  birthday?: string | null;
  city?: string | null;
  expectedVersion?: number | null;
  idempotencyKey?: string | null;
};

export type EditRemarkVariables = {
  customerId: string;
  remark?: string | null;
  expectedVersion?: number | null;
  idempotencyKey?: string | null;
};

export type AddNoteVariables = { customerId: string; body: string; idempotencyKey?: string | null };

export type EditNoteVariables = {
  id: string;
  body: string;
  expectedVersion?: number | null;
  idempotencyKey?: string | null;
};

export type NoteVisitVariables = {
  customerId: string;
  at?: string | null;
  remark?: string | null;
  idempotencyKey?: string | null;
};

export type AddTagsVariables = { customerIds: Array<string>; tagIds: Array<string>; idempotencyKey?: string | null };

export type RemoveTagsVariables = { customerIds: Array<string>; tagIds: Array<string>; idempotencyKey?: string | null };

export type ReassignRelationshipVariables = {
  id: string;
  toAccountId: string;
  expectedVersion?: number | null;
  idempotencyKey?: string | null;
};

export interface VariablesOf {
  SignIn: SignInVariables;
  Refresh: RefreshVariables;
  Snapshot: SnapshotVariables;
  Live: LiveVariables;
  CreateTask: CreateTaskVariables;
  CompleteTask: CompleteTaskVariables;
  SnoozeTask: SnoozeTaskVariables;
  CancelTask: CancelTaskVariables;
  CreateCustomer: CreateCustomerVariables;
  EditCustomer: EditCustomerVariables;
  EditRemark: EditRemarkVariables;
  AddNote: AddNoteVariables;
  EditNote: EditNoteVariables;
  NoteVisit: NoteVisitVariables;
  AddTags: AddTagsVariables;
  RemoveTags: RemoveTagsVariables;
  ReassignRelationship: ReassignRelationshipVariables;
}

export type EntityType = "STORE" | "STAFF" | "TAG_GROUP" | "TAG" | "RELATIONSHIP" | "CUSTOMER" | "TASK" | "NOTE" | "VISIT" | "ORDER" | "REFUND" | "CREDIT" | "IMPORT_RUN";

export type StoreState = "OPEN" | "CLOSED";

export type Role = "GUIDE" | "STORE_MANAGER" | "REGIONAL_MANAGER" | "HQ" | "SERVICE" | "SYSTEM";

export type StaffState = "ACTIVE" | "LEAVING" | "DEPARTED";

export type AccountKind = "GUIDE" | "PUBLIC";

export type Choice = "SINGLE" | "MULTI";

export type SetBy = "GUIDE" | "RULE" | "IMPORT" | "TAKEOVER";

export type TaskKind = "TODO" | "REVISIT" | "RETENTION" | "WELCOME" | "CAMPAIGN" | "ORDER_FOLLOW_UP" | "CHECK_TAG";

export type TaskState = "PENDING" | "DONE" | "SKIPPED" | "EXPIRED" | "CANCELLED";

export type TaskSource = "PERSON" | "RULE" | "CAMPAIGN" | "IMPORT";

export type Outcome = "REACHED" | "NOT_REACHED" | "APPOINTMENT" | "BOUGHT" | "NOT_INTERESTED" | "WRONG_PERSON";

export type SkipReason = "IN_TOUCH" | "BAD_TIME" | "UNSUITABLE" | "NO_CONTACT" | "OTHER";

export type OrderState = "PENDING" | "PAID" | "SHIPPED" | "COMPLETED" | "CANCELLED";

export type Channel = "MINI_MALL" | "POS" | "FILE";

export type CreditReason = "SHARE" | "NAMED" | "HOLDER" | "STORE" | "CORRECTED";

export type LineKind = "GOODS" | "SERVICE";

export type ImportKind = "ORDERS" | "MEMBERS";

export type ImportPhase = "STAGING" | "COMPARING" | "PLACES" | "MEMBERS" | "CUSTOMERS" | "INVOICES" | "FINISHING" | "DONE";

export type ChangeOp = "PUT" | "DEL";

export type NewTask = {
  title: string;
  dueAt: string;
  kind?: TaskKind;
  customerId?: string | null;
  accountId?: string | null;
  reason?: string | null;
  suggestedWords?: string | null;
  priority?: number;
  expiresAt?: string | null;
};

export type NewCustomer = {
  name: string;
  phone?: string | null;
  memberNumber?: string | null;
  tier?: string | null;
  tierUntil?: string | null;
  birthday?: string | null;
  city?: string | null;
  remark?: string | null;
  accountId?: string | null;
};
