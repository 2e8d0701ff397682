/** The supabase CLI to run: SUPABASE_CLI, or the tested version from npm. */
export function supabaseCli(): { program: string; args: string[] } {
  const [program = "npx", ...args] = (Deno.env.get("SUPABASE_CLI") ?? "npx --yes supabase@3.1.0").split(" ");
  return { program, args };
}
