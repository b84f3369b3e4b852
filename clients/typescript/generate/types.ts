/** Make TypeScript of the documents and the schema: one type for each fragment, and the answer and variables of each. */

import {
  type FragmentDefinitionNode,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  GraphQLEnumType,
  GraphQLInputObjectType,
  GraphQLObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  getNamedType,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  parse,
  typeFromAST,
} from "graphql";

const SCALARS: Readonly<Record<string, string>> = {
  ID: "string",
  String: "string",
  Boolean: "boolean",
  Int: "number",
  Fen: "number",
  Seq: "number",
  Cursor: "string",
  DateTime: "string",
  Date: "string",
};

/** What the types are made from, and which enums and inputs were met on the way. */
interface Making {
  schema: GraphQLSchema;
  fragments: Map<string, FragmentDefinitionNode>;
  met: Map<string, GraphQLEnumType | GraphQLInputObjectType>;
}

type Fields = Map<string, string>;

type Documents = Readonly<Record<string, string>>;

/** The text of `types.ts`: what is asked and answered, and the variables of what is only put into the queue. */
export function typesOf(schema: GraphQLSchema, asked: Documents, queued: Documents): string {
  const making: Making = { schema, fragments: new Map(), met: new Map() };
  const read = operationsIn(making, asked);
  const operations = [...read, ...operationsIn(making, queued)];
  meet(making, schema.getType("EntityType"));
  const parts = [...making.fragments.values()].map((each) => fragmentType(making, each));
  parts.push(...read.map((each) => answerType(making, each)));
  parts.push(...operations.map((each) => variablesType(making, each)));
  const names = operations.map(nameOf).map((name) => `${name}: ${name}Variables`);
  parts.push(`export interface VariablesOf { ${names.join("; ")} }`);
  // Writing an input may meet others: the map grows while it is walked.
  for (const each of making.met.values()) parts.push(inputType(making, each));
  const head = "/** Made by `make types` from the documents and the server's schema: don't edit. */";
  return [head, ...parts.map(laidOut)].join("\n\n") + "\n";
}

/** The operations of documents; their fragments are remembered. */
function operationsIn(making: Making, documents: Documents): OperationDefinitionNode[] {
  const operations: OperationDefinitionNode[] = [];
  for (const each of Object.values(documents).flatMap((text) => parse(text).definitions)) {
    if (each.kind === Kind.FRAGMENT_DEFINITION) making.fragments.set(each.name.value, each);
    if (each.kind === Kind.OPERATION_DEFINITION) operations.push(each);
  }
  return operations;
}

/** What is too long for a line gets a line for each of its outermost parts. */
function laidOut(declaration: string): string {
  if (declaration.length <= 120) return declaration;
  let depth = 0;
  return declaration.replace(/[{}] ?|; | ?}/g, (mark) => {
    if (mark.startsWith("{")) return ++depth === 1 ? "{\n  " : mark;
    if (mark.includes("}")) return --depth === 0 ? ";\n}" : mark;
    return depth === 1 ? ";\n  " : mark;
  });
}

function fragmentType(making: Making, fragment: FragmentDefinitionNode): string {
  const name = fragment.typeCondition.name.value;
  return `export type ${name} = ${selected(making, outputOf(making, name), fragment.selectionSet)};`;
}

function answerType(making: Making, operation: OperationDefinitionNode): string {
  const root = making.schema.getRootType(operation.operation) ?? fail(`There is no ${operation.operation}.`);
  return `export type ${nameOf(operation)}Answer = ${selected(making, root, operation.selectionSet)};`;
}

function variablesType(making: Making, operation: OperationDefinitionNode): string {
  const variables = (operation.variableDefinitions ?? []).map((each) => {
    const name = each.variable.name.value;
    const type = typeFromAST(making.schema, each.type) as GraphQLInputType | undefined;
    if (type === undefined) return fail(`There is no type for $${name} in ${nameOf(operation)}.`);
    return `${name}${isNonNullType(type) ? "" : "?"}: ${inputValue(making, type)}`;
  });
  return `export type ${nameOf(operation)}Variables = { ${variables.join("; ")} };`;
}

function nameOf(operation: OperationDefinitionNode): string {
  return operation.name?.value ?? fail("Every document needs a name.");
}

/** The type of what is selected of a type; of an abstract one, what is selected of each type that it may be. */
function selected(making: Making, parent: GraphQLNamedType, selections: SelectionSetNode): string {
  const only = selections.selections[0];
  if (selections.selections.length === 1 && only?.kind === Kind.FRAGMENT_SPREAD) {
    return fragmentNamed(making, only.name.value).typeCondition.name.value;
  }
  if (!isAbstractType(parent)) return literal(fieldsOf(making, parent as GraphQLObjectType, selections).fields);
  return making.schema
    .getPossibleTypes(parent)
    .map((each) => {
      const { fields, whole } = fieldsOf(making, each, selections);
      return whole ?? literal(fields);
    })
    .join(" | ");
}

/** The fields selected of an object type, and the type that has them all if a fragment of its own is spread. */
function fieldsOf(
  making: Making,
  parent: GraphQLObjectType,
  selections: SelectionSetNode,
): { fields: Fields; whole?: string } {
  const fields: Fields = new Map();
  const found: { fields: Fields; whole?: string } = { fields };
  for (const each of selections.selections) {
    if (each.kind === Kind.FIELD) {
      fields.set(each.alias?.value ?? each.name.value, fieldType(making, parent, each.name.value, each.selectionSet));
      continue;
    }
    const part = each.kind === Kind.INLINE_FRAGMENT ? each : fragmentNamed(making, each.name.value);
    const condition = part.typeCondition?.name.value ?? parent.name;
    if (!applies(making, parent, condition)) continue;
    if (each.kind === Kind.FRAGMENT_SPREAD && condition === parent.name) found.whole = condition;
    for (const [name, type] of fieldsOf(making, parent, part.selectionSet).fields) fields.set(name, type);
  }
  return found;
}

function fieldType(
  making: Making,
  parent: GraphQLObjectType,
  name: string,
  selections: SelectionSetNode | undefined,
): string {
  if (name === "__typename") return JSON.stringify(parent.name);
  const field = parent.getFields()[name] ?? fail(`${parent.name} has no field ${name}.`);
  return outputValue(making, field.type, selections);
}

function outputValue(making: Making, type: GraphQLOutputType, selections: SelectionSetNode | undefined): string {
  if (!isNonNullType(type)) return `${present(making, type, selections)} | null`;
  return present(making, type.ofType, selections);
}

function present(making: Making, type: GraphQLOutputType, selections: SelectionSetNode | undefined): string {
  if (isListType(type)) return `Array<${outputValue(making, type.ofType as GraphQLOutputType, selections)}>`;
  if (isLeafType(type)) return leaf(making, type);
  return selected(making, getNamedType(type), selections ?? fail(`What of ${String(type)}?`));
}

function inputValue(making: Making, type: GraphQLInputType): string {
  if (!isNonNullType(type)) return `${given(making, type)} | null`;
  return given(making, type.ofType);
}

function given(making: Making, type: GraphQLInputType): string {
  if (isListType(type)) return `Array<${inputValue(making, type.ofType as GraphQLInputType)}>`;
  return leaf(making, getNamedType(type));
}

function leaf(making: Making, type: GraphQLNamedType): string {
  meet(making, type);
  return making.met.has(type.name) ? type.name : (SCALARS[type.name] ?? fail(`Which type is the scalar ${type.name}?`));
}

function meet(making: Making, type: GraphQLNamedType | undefined): void {
  const isNamed = type instanceof GraphQLEnumType || type instanceof GraphQLInputObjectType;
  if (isNamed) making.met.set(type.name, type);
}

function inputType(making: Making, type: GraphQLEnumType | GraphQLInputObjectType): string {
  if (type instanceof GraphQLEnumType) {
    const values = type.getValues().map((each) => JSON.stringify(each.name));
    return `export type ${type.name} = ${values.join(" | ")};`;
  }
  const fields = Object.values(type.getFields()).map(
    (each) => `${each.name}${isRequiredInputField(each) ? "" : "?"}: ${inputValue(making, each.type)}`,
  );
  return `export type ${type.name} = { ${fields.join("; ")} };`;
}

function literal(fields: Fields): string {
  return `{ ${[...fields].map(([name, type]) => `${name}: ${type}`).join("; ")} }`;
}

function applies(making: Making, parent: GraphQLObjectType, condition: string): boolean {
  const type = outputOf(making, condition);
  return type === parent || (isAbstractType(type) && making.schema.isSubType(type, parent));
}

function outputOf(making: Making, name: string): GraphQLNamedType {
  return making.schema.getType(name) ?? fail(`The schema has no type ${name}.`);
}

function fragmentNamed(making: Making, name: string): FragmentDefinitionNode {
  return making.fragments.get(name) ?? fail(`There is no fragment ${name}.`);
}

function fail(reason: string): never {
  throw new Error(reason);
}
