import { assertEquals } from "@std/assert";
import { isLoopback, isSafeAddress, isThisMachine } from "./loopback.ts";

const NEAR = [
  "localhost",
  "LOCALHOST",
  "127.0.0.1",
  "127.1",
  "127.255.255.254",
  "0x7f000001",
  "2130706433",
  "[::1]",
  "[0:0:0:0:0:0:0:1]",
];

const FAR = [
  "127.0.0.1.evil.com",
  "localhost.evil.com",
  "evil.com.localhost",
  "localhost.",
  "localhosts",
  "xlocalhost",
  "128.0.0.1",
  "127.0.0.1@evil.com",
  "localhost:1@evil.com",
  "evil.com/127.0.0.1",
  "evil.com#localhost",
  "evil.com?localhost",
  "l\u{f6}calhost",
  "0.0.0.0",
  "[::]",
  "[::2]",
  "[::1:1]",
  "[::ffff:8.8.8.8]",
];

Deno.test("isLoopback() finds this machine in every spelling that URL reads", () => {
  for (const host of NEAR) assertEquals(isLoopback(new URL(`http://${host}`).hostname), true, host);
});

Deno.test("isLoopback() finds other hosts in addresses that look like this machine", () => {
  for (const host of FAR) assertEquals(isLoopback(new URL(`http://${host}`).hostname), false, host);
});

Deno.test("isLoopback() refuses other spellings in postgresql: addresses, which URL does not change", () => {
  for (const host of ["127.1", "LOCALHOST", "127.0.0.1%2eevil.com", "127.0.0.1%00.evil.com", "localhost%0a"]) {
    assertEquals(isLoopback(new URL(`postgresql://a:b@${host}/c`).hostname), false, host);
  }
});

Deno.test("isThisMachine() adds the name that containers use, and no other", () => {
  assertEquals(isThisMachine("host.docker.internal"), true);
  for (const host of ["docker.internal", "host.docker.internal.evil.com", "xhost.docker.internal"]) {
    assertEquals(isThisMachine(host), false, host);
  }
});

Deno.test("isSafeAddress() accepts https everywhere, http on this machine, and nothing else", () => {
  const isSafe = (address: string) => isSafeAddress(new URL(address));
  for (const address of ["https://evil.com", "https://127.0.0.1", "http://LOCALHOST:1/x"]) {
    assertEquals(isSafe(address), true, address);
  }
  const refused = ["http://evil.com", "ftp://127.0.0.1", "ws://localhost", "http://host.docker.internal"];
  for (const address of [...refused, ...FAR.map((host) => `http://${host}`)]) {
    assertEquals(isSafe(address), false, address);
  }
  assertEquals(isSafeAddress(new URL("http://host.docker.internal"), isThisMachine), true);
});
