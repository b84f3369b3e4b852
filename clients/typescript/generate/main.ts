/** Write src/types.ts: node main.js SDL TYPES */

import { readFileSync, writeFileSync } from "node:fs";
import { buildSchema } from "graphql";
import { asked, mutations } from "../src/documents.ts";
import { typesOf } from "./types.ts";

const [sdl, types] = process.argv.slice(2);
if (sdl === undefined || types === undefined) throw new Error("Say where the schema is, and where the types go.");
writeFileSync(types, typesOf(buildSchema(readFileSync(sdl, "utf8")), asked, mutations));
