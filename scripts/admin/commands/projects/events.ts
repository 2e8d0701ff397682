/** `events list|export`: who did what in both projects. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { CliError } from "../../../cli/error.ts";
import type { ProjectName } from "../../../stack/projects.ts";
import { addGroup, example, readContext } from "../../command.ts";
import { type Event, type EventFilter, type EventSource, readEvents } from "../../client/event_stream.ts";
import { readPast } from "../keys/expiry.ts";
import { findTenantId } from "../../client/find.ts";
import { exactTime, print, table, writeLines } from "../../../cli/output.ts";
import type { Target } from "../../client/connection/target.ts";

const PROJECTS: ProjectName[] = ["governance-hub", "key-vault-executor"];
const ACTIONS = ["register", "update", "delete", "call", "store", "replace", "retrieve", "use", "rotate"];
const MOMENT = "24h or 7d ago, 2026-01-31 or 2026-01-31T12:00:00Z";

const EXPORT_HELP = `
An event's time is when it was written, which is up to four seconds before it is committed. To continue an
earlier export, start ten seconds before its end, and drop the ids that you already have.

Memory use does not grow with the number of events. The export ends when its reader ends, for example head.`;

interface EventsOptions {
  since?: string;
  until?: string;
  action?: string;
}

interface ListOptions extends EventsOptions {
  service?: string;
  serverId?: string;
  limit: number;
}

interface ExportOptions extends EventsOptions {
  tenant?: string;
  project?: ProjectName;
}

export function addEventsCommands(program: Command): void {
  const group = addGroup(program, "events", "what was done and who did it");
  addOptions(
    group.command("list").description("list the events of a tenant's servers and credentials, oldest first"),
  )
    .argument("<tenant>", "its id, its name or organization/name; use the id of a deleted tenant")
    .option("--service <name>", "only events of this service's credentials")
    .option("--server-id <id>", "only events of this server")
    .option("--limit <n>", "at most this many", readLimit, 1000)
    .addHelpText("after", example("events list acme-shop --since 24h --action retrieve"))
    .action((tenant: string, options: ListOptions, command: Command) => list(tenant, options, command));
  addOptions(group.command("export").description("print events as lines of JSON, oldest first"))
    .option("--tenant <tenant>", "only for this tenant: its id, its name or organization/name")
    .addOption(new Option("--project <project>", "only for this project").choices(PROJECTS))
    .addHelpText("after", EXPORT_HELP + "\n" + example("events export --since 2026-01-31 > events.jsonl"))
    .action((options: ExportOptions, command: Command) => exportLines(options, command));
}

function addOptions(command: Command): Command {
  return command
    .option("--since <when>", `only events from this time on: ${MOMENT}`)
    .option("--until <when>", "only events before this time, in the same forms")
    .addOption(new Option("--action <action>", "only this action").choices(ACTIONS));
}

async function list(reference: string, options: ListOptions, command: Command): Promise<void> {
  const { service, serverId, limit } = options;
  if (service !== undefined && serverId !== undefined) {
    throw new CliError("use --service (for credentials) or --server-id (for servers), not both");
  }
  const filter = readFilter(options);
  const { json, target } = await readContext(command);
  const tenant_id = await findTenantId(target.hub, reference);
  const named = { ...filter, tenant_id, service, server_id: serverId };
  const projects = PROJECTS.filter((name) =>
    name === "governance-hub" ? service === undefined : serverId === undefined
  );
  const events: Event[] = [];
  for await (const event of readEvents(sources(target, projects), named)) {
    events.push(event);
    if (events.length > limit) break;
  }
  const more = events.length > limit;
  const shown = events.slice(0, limit);
  const last = shown.at(-1)?.occurred_at;
  const end = more ? [`There are more events. Continue with --since ${last}, or raise --limit.`] : [];
  const headings = ["OCCURRED AT", "PROJECT", "ACTION", "OF", "BY", "REQUEST ID"];
  print(json, { events: shown, more }, [...table(headings, shown.map(cells), "There are no such events."), ...end]);
}

async function exportLines(options: ExportOptions, command: Command): Promise<void> {
  const filter = readFilter(options);
  const { target } = await readContext(command);
  const tenant_id = options.tenant === undefined ? undefined : await findTenantId(target.hub, options.tenant);
  const projects = PROJECTS.filter((name) => name === (options.project ?? name));
  await writeLines(readEvents(sources(target, projects), { ...filter, tenant_id }));
}

function readFilter({ since, until, action }: EventsOptions): EventFilter {
  const now = new Date();
  const [from, to] = [since && readPast("--since", since, now), until && readPast("--until", until, now)];
  if (from && to && Date.parse(from) > Date.parse(to)) throw new CliError("--since must not be after --until");
  return { since: from, until: to, action };
}

function sources(target: Target, projects: ProjectName[]): EventSource[] {
  return projects.map((name) => ({ name, access: name === "governance-hub" ? target.hub : target.vault() }));
}

function cells(event: Event): string[] {
  const { occurred_at, project, action, changed_fields, server_id, service, credential_type } = event;
  return [
    exactTime(occurred_at),
    project,
    [action, ...changed_fields ?? [], ...called(event)].join(" "),
    service === undefined
      ? server_id ?? "–"
      : [service, credential_type, server_id && `for ${server_id}`].filter(Boolean).join(" "),
    event.actor_id === null ? event.actor_kind : `${event.actor_kind} ${event.actor_id}`,
    event.request_id ?? "–",
  ];
}

/** A tool by its name only: most calls are of tools. */
function called({ method, tool, outcome }: Event): string[] {
  if (!tool) return [];
  return [...method && method !== "tools/call" ? [method] : [], tool, outcome ?? "–"];
}

function readLimit(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number from 1 to 99999.");
}
