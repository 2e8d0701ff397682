/** The targets of the load: the three baselines, and every endpoint with a valid request. */

import { assertEquals } from "@std/assert";
import postgres from "postgres";
import { withConnection } from "../../stack/postgres/cluster.ts";
import type { ProjectName } from "../../stack/projects.ts";
import { registerServer, storeCredential } from "../../test/resilience/traffic/ledger.ts";
import type { Rig } from "../support/rig.ts";
import { eventually, runScript } from "../../test/resilience/processes/running.ts";
import { freePort } from "../../stack/ready.ts";
import { type EndpointCase, endpointsOf } from "../../test/support/endpoints.ts";
import type { BaselineConfig } from "./baseline_server.ts";
import { type Template, TURNS } from "../support/load.ts";
import { baselineTable } from "../sql/places.ts";

export interface BenchTarget {
  name: string;
  url: string;
  request: Template;
  /** The statuses of success. */
  expected: number[];
  /** The kind of thing that the target creates or removes. One target removes what another created. */
  makes?: string;
  removes?: string;
}

const BASELINE_ROWS = 10_000;
const THINGS = 10;
/** The name of the thing that endpoints on one thing act on. */
const KEPT = "kept";
/** As many credentials are retrieved in turn: retrieves of one credential wait for each other's commit. */
const RETRIEVED = `${KEPT}-{turn}`;

/** Starts the baselines' process, on a database of the projects' PostgreSQL. */
export async function startBaselines({ database }: Rig, resources: AsyncDisposableStack): Promise<BenchTarget[]> {
  const admin = postgres(database.url("supabase_admin", "governance-hub"), { max: 1, onnotice: () => {} });
  await admin`create database baseline owner postgres`;
  await admin.end();
  const databaseUrl = database.url("postgres", "governance-hub").replace(/[^/]*$/, "baseline");
  const owner = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  await owner.unsafe(baselineTable(BASELINE_ROWS)).simple();
  await owner`vacuum analyze`;
  await owner.end();

  const config: BaselineConfig = { port: freePort(), databaseUrl, rows: BASELINE_ROWS };
  const script = new URL("baseline_server.ts", import.meta.url);
  const process = await runScript("the baselines' server", script, config, {});
  resources.defer(() => process.stop());
  const url = `http://127.0.0.1:${config.port}`;
  await eventually(10_000, async () => assertEquals((await fetch(`${url}/update`).then(spent)).status, 200));
  return ["constant", "select", "update"].map((name) => ({
    name,
    url: `${url}/${name}`,
    request: { method: "GET", headers: {} },
    expected: [200],
  }));
}

/** All endpoints of both projects, creating ones first. Lists use a tenant with ten things, the others a second one. */
export async function prepareEndpoints(rig: Rig): Promise<BenchTarget[]> {
  const [busy, quiet] = rig.organizations[0]?.tenants ?? [];
  if (busy === undefined || quiet === undefined) throw new Error("the seeds must have two tenants of one organization");
  await raiseQuotas(rig);
  for (let thing = 0; thing < THINGS; thing++) await keep(rig, quiet.api_key, `thing-${thing}`);
  await keep(rig, busy.api_key, KEPT);
  for (let turn = 0; turn < TURNS; turn++) await keepCredential(rig, busy.api_key, `${KEPT}-${turn}`);
  const endpoints = [...await endpointsOf("governance-hub"), ...await endpointsOf("key-vault-executor")]
    .filter(({ acts }) => acts !== "lends")
    .toSorted((a, b) => Number(b.acts === "creates") - Number(a.acts === "creates"));
  return endpoints.map((endpoint): BenchTarget => {
    const project = endpoint.project === "governance-hub" ? rig.hub : rig.vault;
    const key = endpoint.acts === "lists" ? quiet.api_key : busy.api_key;
    const body = bodyOf(endpoint);
    return {
      name: endpoint.name,
      url: `${project.url}/functions/v1/${endpoint.paths[0]}`,
      request: {
        method: endpoint.method,
        headers: { "x-api-key": key, ...(body && { "content-type": "application/json" }) },
        ...(body && { body: JSON.stringify(body) }),
      },
      expected: endpoint.acts === "creates" ? [200, 201] : [200],
      ...(endpoint.acts === "creates" && { makes: endpoint.project }),
      ...(endpoint.name.endsWith("-delete") && { removes: endpoint.project }),
    };
  });
}

/** The load makes more than a tenant may have. */
async function raiseQuotas({ database, organizations }: Rig): Promise<void> {
  const tenants = organizations.flatMap(({ tenants }) => tenants);
  const raise = (project: ProjectName, setQuota: string) =>
    withConnection(
      database.url("supabase_admin", project),
      (run) => run(`select ${tenants.map(({ id }) => `public.${setQuota}('${id}', 1e7::int)`).join(", ")}`),
    );
  await raise("governance-hub", "set_server_quota");
  await raise("key-vault-executor", "set_credential_quota");
}

async function keep(rig: Rig, key: string, name: string): Promise<void> {
  assertEquals((await registerServer(rig, { key }, name)).status, 201);
  await keepCredential(rig, key, name);
}

async function keepCredential(rig: Rig, key: string, name: string): Promise<void> {
  assertEquals((await storeCredential(rig, { key }, name, "a secret of 24 characters")).status, 201);
}

/** A body that makes each request write: a unique name, or a new value. */
function bodyOf(endpoint: EndpointCase): Record<string, unknown> | undefined {
  switch (endpoint.name) {
    case "mcp-servers-register":
      return { ...endpoint.body?.(), server_id: "made-{n}", tool_prefix: "p{n}.tools." };
    case "mcp-servers-update":
      return { server_id: KEPT, name: "Changed {n}" };
    case "credentials-store":
      return { service: "made-{n}", credentials: { api_key: "AKIAIOSFODNN7EXAMPLE", secret_key: "k".repeat(40) } };
    case "credentials-retrieve":
      return endpoint.body?.(RETRIEVED);
    case "mcp-servers-delete":
    case "credentials-delete":
      return endpoint.body?.("made-{n}");
    default:
      return endpoint.body?.(KEPT);
  }
}

async function spent(response: Response): Promise<Response> {
  await response.body?.cancel();
  return response;
}
