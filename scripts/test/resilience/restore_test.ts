import { assert, assertEquals, assertMatch } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import { withConnection } from "../../stack/postgres/cluster.ts";
import type { ProjectName } from "../../stack/projects.ts";
import { OLD_DEFAULT_PRIVILEGES, type ScratchCluster, startCluster } from "../support/cluster.ts";
import { assertServes, headersOf } from "./traffic/calls.ts";
import { type Command, prepareDrill, readCommands } from "./processes/drill.ts";
import { makeFolder, type RunningProject, startRig } from "./processes/rig.ts";

const PROJECTS: ProjectName[] = ["governance-hub", "key-vault-executor"];
const WAYS: Command[] = ["pg_dump", "supabase db dump"];

const folder = await makeFolder();
const drill = await prepareDrill(folder);
const rig = await startRig(folder);
Deno.test.afterAll(async () => {
  await rig.stop();
  await Deno.remove(folder, { recursive: true });
});

const source = (project: ProjectName) => rig.database.url("postgres", project);
const kept = await fill();

Deno.test("a restore without one step of the drill restores nothing, or grants everyone everything", async () => {
  const cluster = await startCluster();
  try {
    const target = await createTarget(cluster);
    const [FROM, TO] = [source("key-vault-executor"), cluster.url("postgres", target)];
    const variables = { FROM, TO, FILE: `${folder}/partial` };
    await drill.follow("pg_dump", variables);
    const commands = await readCommands("psql");
    const without = (line: RegExp) => {
      assertMatch(commands, line);
      return drill.run(commands.replace(line, ""), variables);
    };
    const empty = await dump(TO);
    const roles = /^ +--file=scripts\/deploy\/roles\.sql .*\n/m;
    const grant = /^ +--command='grant create .*\n/m;

    const noRole = await without(roles);
    assertEquals([noRole.code === 0, await dump(TO)], [false, empty]);
    assertMatch(noRole.stderr, /role "tenant_scope" does not exist/);
    const noGrant = await without(grant);
    assertEquals([noGrant.code === 0, await dump(TO)], [false, empty]);
    assertMatch(noGrant.stderr, /permission denied for schema public/);

    await drill.run(`psql "$TO" --command="$(sed -n '/^do/,$p' scripts/deploy/roles.sql)"`, variables);
    const openHanded = await without(roles);
    assertEquals(openHanded.code, 0, openHanded.stderr);
    assertMatch(await dump(TO), /^GRANT ALL ON TABLE public\.tenant_credentials TO anon;/m);
    assert(!(await dump(FROM)).includes("TO anon"));
  } finally {
    await cluster.stop();
  }
});

Deno.test("a restore that ignores the missing role loses the isolation of tenants, and its vault opens nothing", async () => {
  const cluster = await startCluster();
  try {
    const target = await createTarget(cluster);
    const [FROM, TO] = [source("key-vault-executor"), cluster.url("postgres", target)];
    const variables = { FROM, TO, FILE: `${folder}/careless` };
    await drill.follow("pg_dump", variables);
    const { code, stderr } = await drill.run('psql "$TO" --file="$FILE.sql"', variables);
    assertEquals(code, 0);
    assertMatch(stderr, /role "tenant_scope" does not exist/);
    assert(!(await dump(TO)).includes("tenant_scope;"));
    const databaseUrl = cluster.url("authenticator", target);
    const vault = await rig.startProject("key-vault-executor", { databaseUrl });
    for (const credential of kept) {
      const { status, code } = await retrieve(vault, credential);
      assertEquals([status, code], [500, "internal"], credential.id);
    }
    await vault.process.stop();
  } finally {
    await cluster.stop();
  }
});

for (const way of WAYS) {
  Deno.test(`${way} restores both projects completely in a new cluster, as postgres, which is not a superuser`, async () => {
    const restored = await restore(way);
    try {
      const dumps: string[] = [];
      for (const project of PROJECTS) {
        const [before, after] = [await dump(source(project)), await dump(restored.url(project))];
        assertEquals(firstDifference(before, after), undefined, project);
        assertEquals(await readRoles(restored.url(project)), await readRoles(source(project)), project);
        dumps.push(after);
      }
      const [role] = await readRoles(restored.url("key-vault-executor"));
      assertEquals([role?.rolname, role?.rolbypassrls, role?.rolsuper], ["tenant_scope", false, false]);
      for (const part of PARTS) assertMatch(dumps.join(), part, `the dumps lack ${part}`);

      const vault = await restored.startVault();
      const verified = await verify(restored.hub, vault, rig.keys.credential_encryption_key);
      assertEquals(verified.code, 0, verified.stderr);
      await assertKept(vault);
      for (const project of [restored.hub, vault]) {
        for (const { kernel_key, tenants } of rig.organizations) {
          for (const { id, api_key } of tenants) {
            await assertServes(project, { key: api_key });
            await assertServes(project, { key: kernel_key, tenantId: id });
          }
        }
      }
    } finally {
      await restored.stop();
    }
  });
}

Deno.test("with another encryption key a restored vault answers 503 and changes nothing, and with the right key it opens everything", async () => {
  const restored = await restore("pg_dump");
  const vaultDatabase = restored.url("key-vault-executor");
  const other = encodeHex(crypto.getRandomValues(new Uint8Array(32)));
  try {
    const wrong = await restored.startVault({ CREDENTIAL_ENCRYPTION_KEY: other });
    const whole = await dump(vaultDatabase);
    const verified = await verify(restored.hub, wrong, other);
    assertEquals(verified.code, 1);
    assertMatch(verified.stdout + verified.stderr, /not configured/);
    const before = await readCredentials(vaultDatabase);
    for (const credential of kept) {
      const { status, code } = await retrieve(wrong, credential);
      assertEquals([status, code], [503, "unavailable"], credential.id);
    }
    assertEquals(await readCredentials(vaultDatabase), before);
    assertEquals(firstDifference(whole, await dump(vaultDatabase)), undefined);

    const right = await restored.startVault({
      CREDENTIAL_ENCRYPTION_KEY: other,
      CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS: rig.keys.credential_encryption_key,
    });
    await assertKept(right);
  } finally {
    await restored.stop();
  }
});

/** Runs the drill's last command on restored projects. */
async function verify(hub: RunningProject, vault: RunningProject, key: string) {
  return await drill.run(await readCommands("deno task admin"), {
    HUB_URL: hub.url,
    HUB_SECRET_KEY: rig.keys.governance_hub.secret_key,
    VAULT_URL: vault.url,
    VAULT_SECRET_KEY: rig.keys.key_vault_executor.secret_key,
    CREDENTIAL_ENCRYPTION_KEY: key,
  });
}

/** Asserts that both databases have data, so that comparing dumps means something. */
const PARTS = [
  /^CREATE POLICY .* TO tenant_scope /m,
  /^ALTER TABLE .* ENABLE ROW LEVEL SECURITY;/m,
  /^ALTER FUNCTION .* OWNER TO tenant_scope;/m,
  /^GRANT ALL ON FUNCTION .* TO service_role;/m,
  /^REVOKE ALL ON FUNCTION .* FROM PUBLIC;/m,
  /^CREATE TRIGGER /m,
  /^COMMENT ON /m,
  /^COPY public\.tenant_credentials .*\n[^\\]/m,
  /^COPY public\.mcp_server_events .*\n[^\\]/m,
  /^COPY public\.credential_events .*\n[^\\]/m,
  /^COPY public\.api_keys .*\n[^\\]/m,
  /^COPY supabase_migrations\.schema_migrations .*\n[^\\]/m,
];

interface Restored {
  /** The URL of its database, as postgres. */
  url(project: ProjectName): string;
  hub: RunningProject;
  startVault(environment?: Record<string, string>): Promise<RunningProject>;
  stop(): Promise<void>;
}

interface KeptTenant {
  id: string;
  key: string;
  credentials: Record<string, unknown>;
}

/** Creates rows of every kind, and returns the credentials of every tenant. */
async function fill(): Promise<KeptTenant[]> {
  const kept: KeptTenant[] = [];
  for (const { kernel_key, tenants } of rig.organizations) {
    for (const { id, api_key } of tenants) {
      for (const caller of [{ key: api_key }, { key: kernel_key, tenantId: id }]) {
        await assertServes(rig.hub, caller);
        await assertServes(rig.vault, caller);
      }
      for (const value of ["x", "a\\b\t\\.\r\n\u0001 \u{1f511} 'quoted'", "y".repeat(60_000)]) {
        const credentials = { value, list: [value.length, null, true] };
        const stored = await post(rig.vault, "credentials/store", api_key, {
          service: crypto.randomUUID(),
          credentials,
        });
        assertEquals(stored.status, 201, value.slice(0, 20));
        kept.push({ id: stored.body.data.credential_id, key: api_key, credentials });
      }
    }
  }
  return kept;
}

async function assertKept(vault: RunningProject): Promise<void> {
  for (const [index, credential] of kept.entries()) {
    const { status, credentials } = await retrieve(vault, credential);
    assertEquals([status, credentials], [200, credential.credentials], credential.id);
    const stranger = kept.at(index - 3);
    assert(stranger && stranger.key !== credential.key, credential.id);
    assertEquals((await retrieve(vault, { ...credential, key: stranger.key })).status, 404, credential.id);
  }
}

async function retrieve(vault: RunningProject, { id, key }: KeptTenant) {
  const { status, body } = await post(vault, "credentials/retrieve", key, { credential_id: id });
  return { status, code: body.error?.code, credentials: body.data?.credentials };
}

async function post({ url }: RunningProject, path: string, key: string, body: Record<string, unknown>) {
  const response = await fetch(`${url}/functions/v1/${path}`, {
    method: "POST",
    headers: { ...headersOf(key), "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

/** Creates both databases in a cluster with only the platform's roles, and both projects over them. */
async function restore(way: Command): Promise<Restored> {
  const cluster = await startCluster();
  const running: RunningProject[] = [];
  const stop = async () => {
    await Promise.all(running.map(({ process }) => process.stop()));
    await cluster.stop();
  };
  try {
    const [hubDatabase, vaultDatabase] = [await createTarget(cluster), await createTarget(cluster)];
    const databases = { "governance-hub": hubDatabase, "key-vault-executor": vaultDatabase };
    for (const project of PROJECTS) {
      const TO = cluster.url("postgres", databases[project]);
      const variables = { FROM: source(project), TO, FILE: `${folder}/${crypto.randomUUID()}` };
      await drill.follow(way, variables);
      await drill.follow("psql", variables);
    }
    const start = async (project: ProjectName, environment: Record<string, string> = {}) => {
      const databaseUrl = cluster.url("authenticator", databases[project]);
      const started = await rig.startProject(project, { databaseUrl, environment });
      running.push(started);
      return started;
    };
    const hub = await start("governance-hub");
    return {
      url: (project) => cluster.url("postgres", databases[project]),
      hub,
      startVault: (environment = {}) => start("key-vault-executor", { REPO_B_URL: hub.url, ...environment }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Creates a database like older Supabase projects', which is the worst case for a restore. Returns its name. */
async function createTarget(cluster: ScratchCluster): Promise<string> {
  const name = await cluster.createDatabase();
  await withConnection(cluster.url("postgres", name), (run) => run(OLD_DEFAULT_PRIVILEGES));
  // As on the platform: the CLI's dump uses this to disable triggers.
  await withConnection(
    cluster.url("supabase_admin", name),
    (run) => run("grant set on parameter session_replication_role to postgres"),
  );
  return name;
}

/**
 * Dumps all schemas of a database without parentheses, because a dump changes `(a AND b) AND c`, which `between` makes,
 * to `a AND b AND c`.
 */
async function dump(url: string): Promise<string> {
  const { code, stdout, stderr } = await drill.run('pg_dump "$FROM" --restrict-key=same', { FROM: url });
  assertEquals(code, 0, stderr);
  return stdout.replaceAll(/[()]/g, "");
}

function firstDifference(a: string, b: string): [string | undefined, string | undefined] | undefined {
  const [linesA, linesB] = [a.split("\n"), b.split("\n")];
  const index = linesA.findIndex((line, index) => line !== linesB[index]);
  if (index === -1 && linesA.length === linesB.length) return undefined;
  const at = index === -1 ? linesA.length : index;
  return [linesA[at], linesB[at]];
}

/** The role tenant_scope and its members, which a dump of one database does not include. */
function readRoles(url: string): Promise<Record<string, unknown>[]> {
  return withConnection(url, (run) =>
    run(`
      select role.rolname, role.rolsuper, role.rolbypassrls, role.rolcanlogin, role.rolinherit,
        member.member::regrole::text, member.grantor::regrole::text,
        member.admin_option, member.inherit_option, member.set_option
      from pg_roles as role left join pg_auth_members as member on member.roleid = role.oid
      where role.rolname = 'tenant_scope'
      order by member.grantor::regrole::text`));
}

/** Every credential's row. */
function readCredentials(url: string): Promise<Record<string, unknown>[]> {
  return withConnection(
    url,
    (run) => run("select to_jsonb(row) as row from public.tenant_credentials as row order by row.id"),
  );
}
