import { assertEquals, assertRejects } from "@std/assert";
import { withConnection } from "../../stack/postgres/cluster.ts";
import { startCluster } from "../support/cluster.ts";
import { DatabaseError } from "shared/database/database_error.ts";
import { callDirectly, closeDirectConnections } from "shared/database/direct_connection.ts";

/** An address of this machine that does not count as loopback. */
const ADDRESS = "::ffff:7f00:1";

const cluster = await startCluster();
const url = cluster.url("supabase_admin", await cluster.createDatabase());
Deno.test.afterAll(() => cluster.stop());

await withConnection(
  url,
  (run) =>
    run(`create function public.is_encrypted(caller jsonb) returns jsonb language sql as $$
    select to_jsonb(ssl) from pg_stat_ssl where pid = pg_backend_pid() $$`),
);

Deno.test("callDirectly() encrypts, and refuses another authority and another name", async () => {
  const call = async (databaseCa?: string) => {
    const databaseUrl = url.replace("127.0.0.1", `[${ADDRESS}]`);
    try {
      return await callDirectly({ databaseUrl, databaseCa }, "is_encrypted", { caller: 1 }, 4000);
    } finally {
      await closeDirectConnections();
    }
  };
  await assertRejects(() => call(), DatabaseError);
  const authority = await serveTls(`IP:${ADDRESS}`);
  assertEquals(await call(authority), true);
  assertEquals(
    (await assertRejects(() => call(), DatabaseError)).message,
    "the database did not answer (UNABLE_TO_VERIFY_LEAF_SIGNATURE)",
  );
  const sameAuthority = await serveTls("DNS:localhost");
  assertEquals(
    (await assertRejects(() => call(sameAuthority), DatabaseError)).message,
    "the database did not answer (ERR_TLS_CERT_ALTNAME_INVALID)",
  );
});

/** Gives the cluster a certificate for that name. Returns the certificate of the authority that signed it. */
async function serveTls(subjectAltName: string): Promise<string> {
  const folder = cluster.folder;
  const newKey = ["-newkey", "rsa:2048", "-nodes"];
  await openssl(
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    `${folder}/ca.key`,
    "-out",
    `${folder}/ca.pem`,
    "-subj",
    "/CN=ca",
  );
  await openssl("req", ...newKey, "-keyout", `${folder}/tls.key`, "-out", `${folder}/tls.csr`, "-subj", "/CN=database");
  await Deno.writeTextFile(`${folder}/tls.cnf`, `subjectAltName=${subjectAltName}`);
  const signing = ["-CA", `${folder}/ca.pem`, "-CAkey", `${folder}/ca.key`, "-CAcreateserial"];
  const extension = ["-extfile", `${folder}/tls.cnf`];
  await openssl("x509", "-req", "-in", `${folder}/tls.csr`, "-out", `${folder}/tls.pem`, ...signing, ...extension);
  const { uid, gid } = await Deno.stat(`${folder}/cluster`);
  await Deno.chown(`${folder}/tls.key`, uid, gid);
  await withConnection(url, async (run) => {
    await run(`alter system set ssl_cert_file = '${folder}/tls.pem'`);
    await run(`alter system set ssl_key_file = '${folder}/tls.key'`);
    await run("alter system set ssl = on");
    await run("select pg_reload_conf()");
  });
  await untilServed(`${folder}/tls.pem`);
  return await Deno.readTextFile(`${folder}/ca.pem`);
}

async function openssl(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args, stderr: "piped" }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** A reload reaches a new connection only after the postmaster has read the settings. */
async function untilServed(certificate: string): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end;) {
    const [row] = await withConnection(url, (run) => run("select current_setting('ssl_cert_file') as file"));
    if (typeof row === "object" && row !== null && "file" in row && row.file === certificate) return;
  }
  throw new Error("PostgreSQL did not take its certificate");
}
