/** One call of each SQL function over a direct connection, as one statement in its own transaction. */

import { encodeHex } from "@std/encoding/hex";
import type postgres from "postgres";
import { numbered, ownRows } from "../fill.ts";
import type { BenchPlace } from "./places.ts";

/** A measured function. Its calls in a round are numbered, so that no two act on the same thing. */
export interface SqlCall {
  name: string;
  kind: "read" | "insert" | "update" | "delete";
  call(place: BenchPlace, number: number): postgres.PendingQuery<postgres.Row[]>;
}

const PAGE = 10;

/** The hub's functions. A round deletes what it registers. */
export const HUB_CALLS: SqlCall[] = [
  {
    name: "authenticate_caller",
    kind: "read",
    call: ({ sql, caller }) => sql`select authenticate_caller(${sql.json(caller)})`,
  },
  {
    name: "register_mcp_server",
    kind: "insert",
    call: ({ sql, caller }, number) =>
      sql`select register_mcp_server(${sql.json(caller)}, ${sql.json(newServer(number))})`,
  },
  {
    name: "list_mcp_servers",
    kind: "read",
    call: ({ sql, caller, rows }, number) =>
      sql`select list_mcp_servers(${sql.json(caller)}, ${
        sql.json({ limit: PAGE, after: { server_id: numbered("server", pick(number, ownRows(rows))) } })
      })`,
  },
  {
    name: "authorize_tool",
    kind: "read",
    call: ({ sql, caller, rows }, number) =>
      sql`select authorize_tool(${sql.json(caller)}, ${`p${pick(number, ownRows(rows))}.tool`})`,
  },
  {
    name: "list_mcp_server_events",
    kind: "read",
    call: ({ sql, caller }) => sql`select list_mcp_server_events(${sql.json(caller)}, ${sql.json(middleOfEvents())})`,
  },
  {
    name: "update_mcp_server",
    kind: "update",
    call: ({ sql, caller, rows }, number) =>
      sql`select update_mcp_server(${sql.json(caller)}, ${numbered("server", pick(number, ownRows(rows)))}, ${
        sql.json({ name: `changed ${number}` })
      })`,
  },
  {
    name: "delete_mcp_server",
    kind: "delete",
    call: ({ sql, caller }, number) => sql`select delete_mcp_server(${sql.json(caller)}, ${`new-${number}`})`,
  },
];

/** The vault's functions. A round deletes what it stores. */
export const VAULT_CALLS: SqlCall[] = [
  {
    name: "store_credential",
    kind: "insert",
    call: ({ sql, caller }, number) => sql`select store_credential(${sql.json(caller)}, ${sql.json(sealed(number))})`,
  },
  {
    name: "list_credentials",
    kind: "read",
    call: ({ sql, caller, rows }, number) =>
      sql`select list_credentials(${sql.json(caller)}, ${
        sql.json({
          limit: PAGE,
          after: { service: numbered("service", pick(number, ownRows(rows))), credential_type: "api_key" },
        })
      })`,
  },
  {
    name: "list_credentials of a service",
    kind: "read",
    call: ({ sql, caller, rows }, number) =>
      sql`select list_credentials(${sql.json(caller)}, ${
        sql.json({ limit: PAGE, service: numbered("service", pick(number, ownRows(rows))) })
      })`,
  },
  {
    name: "list_credential_events",
    kind: "read",
    call: ({ sql, caller }) => sql`select list_credential_events(${sql.json(caller)}, ${sql.json(middleOfEvents())})`,
  },
  {
    name: "retrieve_credential",
    kind: "update",
    call: ({ sql, caller, rows }, number) =>
      sql`select retrieve_credential(${sql.json(caller)}, ${
        sql.json({ service: numbered("service", pick(number, ownRows(rows))), credential_type: "api_key" })
      })`,
  },
  {
    name: "delete_credential",
    kind: "delete",
    call: ({ sql, caller }, number) =>
      sql`select delete_credential(${sql.json(caller)}, ${
        sql.json({ service: `new-${number}`, credential_type: "api_key" })
      })`,
  },
];

/** Lists of one row, to compare with a select by primary key, which returns one row. */
export const PAGE_OF_ONE: SqlCall[] = [
  {
    name: "list_mcp_servers, a page of one",
    kind: "read",
    call: ({ sql, caller }) => sql`select list_mcp_servers(${sql.json(caller)}, ${sql.json({ limit: 1 })})`,
  },
  {
    name: "list_credentials, a page of one",
    kind: "read",
    call: ({ sql, caller }) => sql`select list_credentials(${sql.json(caller)}, ${sql.json({ limit: 1 })})`,
  },
];

/** The two baselines for all other calls, on a table with the same number of rows. */
export const BASELINE_CALLS: SqlCall[] = [
  {
    name: "select",
    kind: "read",
    call: ({ sql, rows }, number) => sql`select * from public.baseline where id = ${pick(number, rows)}`,
  },
  {
    name: "update",
    kind: "update",
    call: ({ sql, rows }, number) =>
      sql`update public.baseline set changed_at = clock_timestamp() where id = ${pick(number, rows)} returning *`,
  },
];

/** A row's number, spread over all rows: consecutive calls use distant rows. */
function pick(number: number, rows: number): number {
  return 1 + number * 7919 % rows;
}

/** A page from the middle of the 30 days of the rows' events. */
function middleOfEvents(): Record<string, postgres.JSONValue> {
  const occurredAt = new Date(Date.now() - 15 * 86_400_000).toISOString();
  return { limit: PAGE, after: { occurred_at: occurredAt, id: "00000000-0000-4000-8000-000000000000" } };
}

function newServer(number: number): Record<string, postgres.JSONValue> {
  return {
    server_id: `new-${number}`,
    name: "A server",
    command: "node",
    args: ["server.js"],
    tool_prefix: `new${number}.tools.`,
  };
}

const SEALED = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(120))));

function sealed(number: number): Record<string, postgres.JSONValue> {
  return {
    service: `new-${number}`,
    credential_type: "api_key",
    encrypted_credentials: SEALED,
    encryption_key_id: encodeHex(new Uint8Array(8)),
  };
}
