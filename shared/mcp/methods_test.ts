import { assertEquals } from "@std/assert";
import {
  CALL_METHODS,
  isCallMethod,
  isListMethod,
  LIST_METHODS,
  LISTS,
  type Target,
  targetOf,
  withTarget,
} from "./methods.ts";

const PROMPT = { ref: { type: "ref/prompt", name: "p.greet" }, argument: { name: "to", value: "a" } };
const RESOURCE = { ref: { type: "ref/resource", uri: "p.test://{id}" }, argument: { name: "id", value: "1" } };

Deno.test("targetOf() finds the name of each call, and withTarget() puts another one there", () => {
  const calls: [Parameters<typeof targetOf>, Target["kind"]][] = [
    [["tools/call", { name: "p.tool", arguments: {} }], "tool"],
    [["prompts/get", { name: "p.prompt" }], "prompt"],
    [["resources/read", { uri: "p.test://a" }], "resource"],
    [["completion/complete", PROMPT], "prompt"],
    [["completion/complete", RESOURCE], "resource"],
  ];
  for (const [[method, params], kind] of calls) {
    const before = JSON.stringify(params);
    const { name, ...rest } = targetOf(method, params);
    assertEquals([rest, String(name).startsWith("p.")], [{ kind }, true], before);
    const without = String(name).slice(2);
    assertEquals(targetOf(method, withTarget(method, params, without)), { kind, name: without }, before);
    assertEquals(JSON.stringify(withTarget(method, params, String(name))), before);
    assertEquals(JSON.stringify(params), before);
  }
});

Deno.test("targetOf() finds no name where there is none", () => {
  for (const method of CALL_METHODS) assertEquals(targetOf(method, {}).name, undefined, method);
  for (
    const ref of [null, [], "ref/prompt", {}, { type: "ref/tool", name: "p.a" }, { type: "ref/resource", name: "a" }]
  ) {
    assertEquals(targetOf("completion/complete", { ref }).name, undefined, JSON.stringify(ref));
  }
});

Deno.test("isListMethod() and isCallMethod() know their methods, and no name of Object.prototype", () => {
  assertEquals(Object.keys(LISTS), [...LIST_METHODS]);
  assertEquals([LIST_METHODS.every(isListMethod), CALL_METHODS.every(isCallMethod)], [true, true]);
  for (const method of ["constructor", "__proto__", "toString", "ping", ""]) {
    assertEquals([isListMethod(method), isCallMethod(method)], [false, false], method);
  }
});
