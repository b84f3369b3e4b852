/** What the client sends fits the committed schema, and so do its types. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { buildSchema, parse, validate } from "graphql";
import { typesOf } from "../../generate/types.ts";
import { asked, entityTypeOf, kinds, mutations } from "../../src/documents.ts";

const SDL = readFileSync(process.env["DAOGOU_SDL"] ?? "../../schema/schema.graphql", "utf8");
const TYPES = readFileSync("src/types.ts", "utf8");

const DOCUMENTS: Readonly<Record<string, string>> = { ...asked, ...mutations };

/** What of the documents a schema doesn't know. */
function misfits(sdl: string): string[] {
  const schema = buildSchema(sdl);
  return Object.values(DOCUMENTS).flatMap((text) => validate(schema, parse(text)).map(({ message }) => message));
}

test("the schema knows all that the client asks", () => {
  assert.deepEqual(misfits(SDL), []);
});

test("the types are those of the schema", () => {
  assert.equal(TYPES, typesOf(buildSchema(SDL), asked, mutations), "run make types");
});

test("a field that is gone would be noticed", () => {
  const changed = SDL.replaceAll("suggestedWords: String\n", "wordsToSay: String\n");
  assert.ok(misfits(changed).some((message) => message.includes('"suggestedWords"')));
});

test("a field of another type would be noticed", () => {
  const changed = SDL.replaceAll("title: String!", "title: String");
  assert.deepEqual(misfits(changed), []);
  assert.notEqual(TYPES, typesOf(buildSchema(changed), asked, mutations));
});

test("a document is short enough for a server that remembers it, and goes over a socket", () => {
  for (const [name, text] of Object.entries(DOCUMENTS)) assert.ok(text.length < 8_000, name);
});

test("kinds go by the names that changes have for them", () => {
  assert.equal(entityTypeOf("TagGroup"), "TAG_GROUP");
  assert.ok(["TASK", "TAG_GROUP", "RELATIONSHIP"].every((kind) => kinds.has(kind)));
});
