/**
 * Calls of a server: of its tools, and for its prompts, resources and completions. The hub authorizes and records a call,
 * and passes the Executor's answer on. The record goes to the disk while the server works. No byte of the answer is passed
 * on before it is there.
 */

import * as z from "zod/mini";
import type { Answer } from "shared/http/respond.ts";
import { ApiError } from "shared/api_error.ts";
import { askExecutor, NoExecutorReachable, rankExecutors } from "../../_shared/executors.ts";
import { authorization, authorizeCall, type CallEvent } from "./authorization.ts";
import { callHub } from "../../_shared/hub.ts";
import type { CallMethod } from "shared/mcp/methods.ts";
import { callHubTool } from "../hub_tools/call.ts";
import { HUB_PREFIX, HUB_TOOLS } from "../hub_tools/hub_tools.ts";
import { eventOf } from "../protocol/event.ts";
import { type End, watchBody } from "./watched_body.ts";
import { errorMessage, failed, invalidParams, noExecutor } from "../protocol/mcp_error.ts";
import { flushEvents } from "./flush_events.ts";
import { inBackground } from "shared/http/background.ts";
import type { McpCall } from "../methods.ts";
import { memberText } from "shared/http/member_text.ts";
import { readTarget } from "./target.ts";
import { resultOf } from "../protocol/result.ts";

/** How the Executor tells what came of a call: in a header, or in a comment at the end of a stream. */
const OUTCOME_HEADER = "x-outcome";
const OUTCOME_COMMENT = /\n: outcome ([a-z_]{1,40})\n\n$/;

const LOST = "the Executor went away during the call: it may have run";

/** @throws {McpError} */
export async function callServer(call: McpCall, method: CallMethod): Promise<Answer> {
  const target = readTarget(method, call.request.params);
  const isOwn = target.kind === "tool" && target.name.toLowerCase().startsWith(HUB_PREFIX);
  if (isOwn) return await callOwnTool(call, target.name);
  const { executors } = call.environment;
  const begun = performance.now();
  const { server, subject, event } = await authorizeCall(call, target, executors === undefined ? null : method);
  if (executors === undefined || event === undefined) throw noExecutor();
  const end = endOf(call, event, begun);
  const stop = new AbortController();
  const asked = askExecutor(executors.signingKey, rankExecutors(executors.urls, subject.tenant_id, server.id), {
    subject: { ...subject, server, method, tool: target.name },
    path: "/mcp",
    body: call.text,
    headers: forwardedHeaders(call.headers),
    requestId: call.presented.requestId,
    signal: AbortSignal.any([call.signal, stop.signal]),
  }).then(receive);
  const recorded = flushEvents(call.environment.database);
  recorded.catch(() => stop.abort());
  const [answer, record] = await Promise.allSettled([asked, recorded]);
  if (record.status === "rejected") {
    if (answer.status === "fulfilled") drop(answer.value);
    throw notRecorded(record.reason);
  }
  if (answer.status === "rejected") throw notAnswered(answer.reason, call.signal.aborted, end);
  return passOn(call, answer.value, end);
}

async function callOwnTool(call: McpCall, name: string): Promise<Answer> {
  const { presented, headers, request, text } = call;
  if (!HUB_TOOLS.some(({ tool }) => tool.name === name)) {
    await callHub(call, "authorize_call", { tool: null, method: null }, authorization);
    throw invalidParams("the hub has no tool of this name: tools/list names the tools", "no_tool");
  }
  const { tenantId, requestId } = presented;
  const args = memberText(text, ["params", "arguments"]) ?? "{}";
  return resultOf(request, await callHubTool(name, args, { headers, tenantId, requestId }));
}

/** Both media types are needed by the revisions of 2025, whatever the client can read. */
function forwardedHeaders(headers: Headers): Record<string, string> {
  const own = [...headers].filter(([name]) => name.startsWith("mcp-"));
  return {
    ...Object.fromEntries(own),
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
  };
}

type EndCall = (outcome: string) => void;

/** Writes how the call ended, when the answer is under way. */
function endOf(call: McpCall, event: CallEvent, begun: number): EndCall {
  return (outcome) => {
    const milliseconds = Math.round(performance.now() - begun);
    // The answer goes first: it is sent in this turn of the event loop.
    const ended = nextTurn().then(() =>
      callHub(call, "end_call", { event: { ...event, milliseconds, outcome } }, z.unknown)
    );
    inBackground("to record how a call ended", call.presented.requestId, ended);
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

function notRecorded(reason: unknown): Error {
  const message = "the call could not be recorded, so its result is withheld: it may have run";
  return failed(message, reason instanceof ApiError ? reason.cause : reason);
}

function notAnswered(reason: unknown, hasLeft: boolean, end: EndCall): Error {
  if (reason instanceof NoExecutorReachable) {
    end("executor_unreachable");
    return failed("no Executor can be reached, so the call did not run: call again later", reason.message);
  }
  end(hasLeft ? "cancelled" : "executor_lost");
  return failed(LOST, reason);
}

interface Received {
  response: Response;
  /** The whole answer, if it is no stream. */
  json?: string;
}

/** An answer that is no stream is read while the record goes to the disk. */
async function receive(response: Response): Promise<Received> {
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
  return isStream ? { response } : { response, json: await response.text() };
}

function drop({ response, json }: Received): void {
  if (json === undefined) void response.body?.cancel().catch(() => {});
}

/** Passes on the Executor's answer, but hides from the caller what concerns only the Executor and the hub. */
function passOn(call: McpCall, received: Received, end: EndCall): Answer {
  const { response: { status, body, headers }, json } = received;
  if (![200, 400, 404].includes(status)) {
    drop(received);
    end("executor_refused");
    throw failed("the Executor did not take the call, so it did not run", `it answered ${status}`);
  }
  if (json !== undefined || body === null) {
    end(headers.get(OUTCOME_HEADER) ?? "refused");
    return { status, json: json ?? "" };
  }
  const watched = watchBody(body, (how, tail) => conclude(call, how, tail), call.signal);
  const ended = watched.ended.then(({ end: how, tail }) => {
    end(outcomeOf(how, tail));
    return undefined;
  });
  const streamHeaders = { "content-type": "text/event-stream", "cache-control": "no-cache, no-transform" };
  return { status, stream: { body: watched.body, ended }, headers: streamHeaders };
}

function outcomeOf(how: End, tail: string): string {
  if (how === "left") return "cancelled";
  const told = how === "whole" ? OUTCOME_COMMENT.exec(tail)?.[1] : undefined;
  return told ?? "executor_lost";
}

/** A stream that ended without a result gets an error, or the client would wait for one until its time is up. */
function conclude({ request, presented }: McpCall, how: End, tail: string): string | undefined {
  const isComplete = how === "whole" && OUTCOME_COMMENT.test(tail);
  const isBetweenEvents = tail === "" || tail.endsWith("\n\n");
  if (isComplete || !isBetweenEvents) return undefined;
  return eventOf(errorMessage(request.id, failed(LOST, LOST), presented.requestId));
}
