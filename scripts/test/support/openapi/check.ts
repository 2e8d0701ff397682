/** Checks the end-to-end suite's requests and answers against the OpenAPI document of the stack that answered. */

import { below, type Contract, readContract } from "./document.ts";

export interface Sent {
  method: string;
  /** The path after `/functions/v1/`, with its query. */
  path: string;
  /** Sent as JSON. A string is sent unchanged. */
  body?: unknown;
}

export interface Received {
  status: number;
  headers: Headers;
  /** Undefined if it is not JSON. */
  body: unknown;
}

const contracts = new Map<string, Promise<Contract>>();

/**
 * Throws if the document at this address does not describe the answer: its path, status, headers and each member of its
 * body. Also throws if a request succeeded that the document forbids.
 */
export async function checkReply(documentUrl: string, sent: Sent, received: Received): Promise<void> {
  const contract = contracts.get(documentUrl) ?? fetchContract(documentUrl);
  contracts.set(documentUrl, contract);
  const faults = faultsOf(await contract, sent, received);
  if (faults.length === 0) return;
  const what = `${sent.method} ${sent.path} got an answer ${received.status} that its document does not describe`;
  throw new Error(`${what}: ${faults.join("; ")}: ${JSON.stringify(received.body)}`);
}

async function fetchContract(documentUrl: string): Promise<Contract> {
  const response = await fetch(documentUrl);
  if (response.ok) return readContract(await response.json());
  throw new Error(`${documentUrl} answered ${response.status}: ${await response.text()}`);
}

/** The differences between a reply and a document. */
export function faultsOf(contract: Contract, sent: Sent, received: Received): string[] {
  const { pathname, searchParams } = new URL(`http://localhost/${sent.path}`);
  const item = below("/paths", pathname);
  const isHead = sent.method === "HEAD";
  const operation = below(item, isHead ? "get" : sent.method.toLowerCase());
  if (contract.find(item) === undefined) {
    return isOfTheGateway(received) ? [] : responseFaults(contract, "/components/responses/NotFound", 404, received);
  }
  if (contract.find(operation) === undefined) {
    return responseFaults(contract, "/components/responses/MethodNotAllowed", 405, received);
  }
  const { status } = received;
  return [
    ...responseFaults(contract, below(operation, "responses", status), status, received, isHead),
    ...(status < 300 ? requestFaults(contract, operation, sent.body, searchParams) : []),
  ];
}

/** Whether this is the gateway's answer for a function that does not exist. */
function isOfTheGateway({ status, headers, body }: Received): boolean {
  const isNotFound = typeof body === "object" && body !== null && "code" in body && body.code === "NOT_FOUND";
  return status === 404 && isNotFound && !headers.has("x-request-id");
}

function responseFaults(
  contract: Contract,
  at: string,
  status: number,
  received: Received,
  isHead = false,
): string[] {
  const response = contract.find(at);
  if (response === undefined || received.status !== status) return ["it has no such status"];
  const faults = headerFaults(contract, response.pointer, received.headers);
  if (isHead || response.node.content === undefined) {
    return received.body === undefined ? faults : [...faults, "it has no body"];
  }
  const type = received.headers.get("content-type") ?? "none";
  if (!(type in response.node.content)) return [...faults, `it has no content-type ${type}`];
  const fault = contract.fault(below(response.pointer, "content", type, "schema"), received.body);
  return [...faults, ...(fault === undefined ? codeFaults(response.node.content[type], received.body) : [fault])];
}

/** An error's code must be among the examples of its response. */
function codeFaults({ examples }: { examples?: object }, body: unknown): string[] {
  if (examples === undefined) return [];
  const { code } = (body as { error: { code: string } }).error;
  return code in examples ? [] : [`it has no code ${code}`];
}

function headerFaults(contract: Contract, response: string, headers: Headers): string[] {
  const names = Object.keys(contract.find(below(response, "headers"))?.node ?? {});
  return names.flatMap((name) => {
    const header = contract.find(below(response, "headers", name));
    const value = headers.get(name);
    if (value === null) return header?.node.required ? [`it has a header ${name}`] : [];
    const fault = contract.fault(below(header?.pointer ?? "", "schema"), value);
    return fault === undefined ? [] : [`${name} ${fault}`];
  });
}

/** Why the document forbids a request. */
function requestFaults(contract: Contract, operation: string, body: unknown, query: URLSearchParams): string[] {
  const requestBody = contract.find(below(operation, "requestBody"));
  const { node: parameters } = contract.find(below(operation, "parameters")) ?? { node: [] };
  const isLeftOut = (body === undefined || body === "") && requestBody?.node.required === false;
  const faults = requestBody === undefined || isLeftOut ? [] : [
    contract.fault(
      below(requestBody.pointer, "content", "application/json", "schema"),
      typeof body === "string" ? JSON.parse(body) : body,
    ),
  ];
  for (const [name, text] of query) {
    // The platform's own parameter.
    if (name === "forceFunctionRegion") continue;
    const index = parameters.findIndex((parameter: { in: string; name: string }) =>
      parameter.in === "query" && parameter.name === name
    );
    const schema = contract.find(below(operation, "parameters", index, "schema"));
    faults.push(
      schema === undefined
        ? `it has no parameter ${name}`
        : contract.fault(schema.pointer, read(text, schema.node.type)),
    );
  }
  return faults.filter((fault) => fault !== undefined).map((fault) => `it refuses the request: ${fault}`);
}

/** A parameter's value with the type of its schema. */
function read(text: string, type: string): unknown {
  return type === "string" ? text : JSON.parse(text);
}
