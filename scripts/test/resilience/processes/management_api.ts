/** A loopback Management API for the supabase CLI. It keeps the uploads, and answers like the hosted one. */

export interface Upload {
  project: string;
  slug: string;
  /** Names of the uploaded files. */
  files: string[];
  metadata: Record<string, unknown>;
}

export interface ManagementApi {
  uploads: Upload[];
  /** Each project's secrets: name and value. */
  secrets: Map<string, Record<string, string>>;
  /** A profile file for the CLI's `--profile`. */
  profile: string;
  stop(): Promise<void>;
}

/** @param folder the folder for the uploaded files, `<project>/<slug>.js` */
export async function startManagementApi(folder: string): Promise<ManagementApi> {
  const uploads: Upload[] = [];
  const secrets = new Map<string, Record<string, string>>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const url = new URL(request.url);
    const [, project = "", rest = ""] = /^\/v1\/projects\/([a-z]{20})(.*)$/.exec(url.pathname) ?? [];
    const slug = url.searchParams.get("slug") ?? "";
    if (rest === "/functions/deploy") {
      uploads.push(await keepUpload(folder, project, slug, await request.formData()));
      const at = Date.now();
      const deployed = { id: crypto.randomUUID(), slug, name: slug, status: "ACTIVE", version: 1, verify_jwt: false };
      return Response.json({ ...deployed, created_at: at, updated_at: at }, { status: 201 });
    }
    if (rest === "/secrets" && request.method === "POST") {
      const sent: { name: string; value: string }[] = await request.json();
      secrets.set(project, Object.fromEntries(sent.map(({ name, value }) => [name, value])));
      return new Response(null, { status: 201 });
    }
    await request.body?.cancel();
    if (rest === "/functions") return Response.json(request.method === "PUT" ? { functions: [] } : []);
    return Response.json({});
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  const profile = `${folder}/profile.yaml`;
  await Deno.writeTextFile(
    profile,
    `name: loopback\napi_url: ${url}\ndashboard_url: ${url}\nproject_host: 127.0.0.1\n`,
  );
  return { uploads, secrets, profile, stop: () => server.shutdown() };
}

async function keepUpload(folder: string, project: string, slug: string, form: FormData): Promise<Upload> {
  const files = form.getAll("file").filter((part) => part instanceof File);
  const metadata = form.get("metadata");
  await Deno.mkdir(`${folder}/${project}`, { recursive: true });
  const [file] = files;
  if (file) await Deno.writeFile(`${folder}/${project}/${slug}.js`, new Uint8Array(await file.arrayBuffer()));
  const text = metadata instanceof File ? await metadata.text() : String(metadata);
  return { project, slug, files: files.map(({ name }) => name), metadata: JSON.parse(text) };
}
