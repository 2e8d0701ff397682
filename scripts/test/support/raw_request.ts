/** Sends a request as bytes on a connection, for requests that `fetch` does not send. */

import type { ProjectName } from "../../stack/projects.ts";
import { projectOf } from "./client.ts";

export interface RawRequest {
  method: string;
  key: string;
  /** Whole header lines. */
  headers?: string[];
  body?: string;
}

export interface RawReply {
  status: number;
  body: string;
}

const TIME_LIMIT_MS = 5000;

/** Sends the request, valid or not, and reads one answer, even if the server has not read the whole request. */
export async function sendRaw(
  project: ProjectName,
  path: string,
  { method, key, headers = [], body = "" }: RawRequest,
): Promise<RawReply> {
  const { hostname, port, host } = new URL(projectOf(project).url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const head = [`${method} /functions/v1/${path} HTTP/1.1`, `host: ${host}`, `x-api-key: ${key}`, ...headers];
  await connection.write(new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n${body}`));
  return await readReply(connection);
}

async function readReply(connection: Deno.Conn): Promise<RawReply> {
  const signal = AbortSignal.timeout(TIME_LIMIT_MS);
  const ended = new Promise<null>((resolve) => signal.addEventListener("abort", () => resolve(null), { once: true }));
  const buffer = new Uint8Array(65_536);
  for (let text = "";;) {
    const length = await Promise.race([connection.read(buffer), ended]);
    if (length === null) throw new Error(`the answer is incomplete: ${JSON.stringify(text)}`);
    text += new TextDecoder().decode(buffer.subarray(0, length));
    const [, status, size] = /^HTTP\/1\.1 (\d+)[^]*?\r\ncontent-length: (\d+)\r\n/i.exec(text) ?? [];
    const body = text.slice(text.indexOf("\r\n\r\n") + 4);
    if (status !== undefined && body.length >= Number(size)) return { status: Number(status), body };
  }
}
