import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { gzipSync } from "node:zlib";
import { AddressGuard } from "../../src/web/address_guard.ts";
import { type Fetched, GuardedFetch, type WebQuestion } from "../../src/web/guarded_fetch.ts";
import { CERTIFICATE, httpsServer, rawServer, testFetch } from "../support/https_server.ts";

/** Only what hangs meets it. */
const soon = () => AbortSignal.timeout(30_000);
const text = (fetched: Fetched) => {
  if (!fetched.ok) throw new Error(fetched.reason);
  return new TextDecoder().decode(fetched.answer.body);
};
const trouble = (fetched: { ok: true } | { ok: false; trouble: string; reason: string }) => {
  if (fetched.ok) throw new Error("it was fetched");
  return fetched.trouble;
};

/** Names of a DNS that strangers write. */
const NAMES: Record<string, string[]> = {
  "loopback.example.com": ["127.0.0.1"],
  "metadata.example.com": ["169.254.169.254"],
  "half.example.com": ["93.184.215.14", "127.0.0.1"],
  "six.example.com": ["::1"],
  "mapped.example.com": ["::ffff:127.0.0.1"],
  "nat64.example.com": ["64:ff9b::7f00:1"],
  "unspecified.example.com": ["0.0.0.0"],
};

/** `{port}` is that of a listener on this machine, which must hear of none of them. */
const HOSTILE = [
  // IPv4's loopback in all its spellings
  "https://127.0.0.1:{port}/",
  "https://127.1:{port}/",
  "https://127.0.1:{port}/",
  "https://2130706433:{port}/",
  "https://0x7f000001:{port}/",
  "https://0x7f.0x0.0x0.0x1:{port}/",
  "https://0177.0.0.1:{port}/",
  "https://017700000001:{port}/",
  "https://１２７.０.０.１:{port}/",
  "https://127。0。0。1:{port}/",
  "https://%31%32%37.0.0.1:{port}/",
  "https://127.0.0.1.:{port}/",
  "https://0.0.0.0:{port}/",
  "https://0:{port}/",
  // IPv6, with IPv4 inside
  "https://[::1]:{port}/",
  "https://[::]:{port}/",
  "https://[0:0:0:0:0:0:0:1]:{port}/",
  "https://[::ffff:127.0.0.1]:{port}/",
  "https://[::ffff:7f00:1]:{port}/",
  "https://[::127.0.0.1]:{port}/",
  "https://[64:ff9b::127.0.0.1]:{port}/",
  "https://[64:ff9b:1::7f00:1]:{port}/",
  "https://[2002:7f00:1::]:{port}/",
  "https://[2001:0:7f00:1::]:{port}/",
  // Networks nearby
  "https://169.254.169.254/latest/meta-data/",
  "https://[fe80::1]/",
  "https://[fd00:ec2::254]/latest/meta-data/",
  "https://10.0.0.1/",
  "https://172.16.0.1/",
  "https://192.168.1.1/",
  "https://100.100.100.200/",
  "https://224.0.0.1/",
  // Names of this machine and of its network
  "https://localhost:{port}/",
  "https://a.localhost.:{port}/",
  "https://metadata.google.internal/",
  "https://intranet:{port}/",
  "https://1.0.0.127.in-addr.arpa:{port}/",
  "https://expyuzz4wqqyqhjn.onion/",
  // Names that lead there
  "https://loopback.example.com:{port}/",
  "https://metadata.example.com/",
  "https://half.example.com:{port}/",
  "https://six.example.com:{port}/",
  "https://mapped.example.com:{port}/",
  "https://nat64.example.com:{port}/",
  "https://unspecified.example.com:{port}/",
  // Other than the address
  "http://loopback.example.com:{port}/",
  "http://expyuzz4wqqyqhjn.onion/",
  "ftp://loopback.example.com:{port}/",
  "file:///etc/passwd",
  "data:application/json,{}",
  "javascript:alert(1)",
  "https://user@loopback.example.com:{port}/",
  "https://user:sesame@half.example.com:{port}/",
  "https://pay.example.com\\@127.0.0.1:{port}/",
  "https://loopback.example.com:22/",
  "https://loopback.example.com:6379/",
  "https://loopback.example.com:0/",
  "https://pay.example.com:{port}#@loopback.example.com:25/",
  "https:///",
  "//127.0.0.1:{port}/",
  "",
];

Deno.test("none of the hostile URLs is connected to", async () => {
  const heard: Deno.Conn[] = [];
  const listeners = ["127.0.0.1", "::1"].map((hostname) => Deno.listen({ hostname, port: 0 }));
  const accepting = listeners.map(async (listener) => {
    for await (const connection of listener) heard.push(connection);
  });
  const guard = new AddressGuard({
    resolve: (host) => Promise.resolve(NAMES[host] ?? ["127.0.0.1"]),
  });
  const web = new GuardedFetch({ guard, ca: CERTIFICATE });
  for (const url of HOSTILE) {
    for (const { addr } of listeners) {
      const fetched = await web.ask(url.replace("{port}", String((addr as Deno.NetAddr).port)), {}, soon());
      assertEquals(trouble(fetched), "refused", url);
      assert(!fetched.ok && !fetched.reason.includes("sesame"));
    }
  }
  for (const listener of listeners) listener.close();
  await Promise.all(accepting);
  for (const connection of heard) connection.close();
  assertEquals(heard.length, 0);
  assert(HOSTILE.length >= 40);
});

Deno.test("a public server is asked by its name, without cookies, credentials or a wish for compression", async () => {
  const asked: unknown[] = [];
  await using server = httpsServer((request) => {
    asked.push([request.url, Object.fromEntries(request.headers)]);
    return new Response("yes", { headers: { "set-cookie": "a=b", "content-type": "text/plain" } });
  });
  const web = testFetch();
  const fetched = await web.ask(`${server.origin()}/a?b=c#d`, {}, soon());
  assertEquals(text(fetched), "yes");
  assert(fetched.ok);
  assertEquals([fetched.answer.status, fetched.answer.type], [200, "text/plain"]);
  await web.ask(`${server.origin()}/again`, {}, soon());
  assertEquals(asked[1], [`${server.origin()}/again`, {
    "accept-encoding": "identity",
    "connection": "close",
    "host": `pay.example.com:${server.port}`,
    "user-agent": "ncc",
  }]);
});

Deno.test("a POST brings its body and its headers, and follows nobody", async () => {
  const bodies: string[] = [];
  await using server = httpsServer(async (request) => {
    bodies.push(`${request.headers.get("x-signature")} ${await request.text()}`);
    return new Response(null, { status: 307, headers: { location: "/elsewhere" } });
  });
  const question: WebQuestion = { method: "POST", headers: { "x-signature": "s" }, body: '{"a":1}' };
  const fetched = await testFetch().ask(server.origin(), question, soon());
  assert(fetched.ok);
  assertEquals(fetched.answer.status, 307);
  assertEquals(bodies, ['s {"a":1}']);
});

Deno.test("the checked address is the dialled one: a name that changes its answer gains nothing", async () => {
  let asked = 0;
  await using server = httpsServer(() => {
    asked++;
    return new Response("yes");
  });
  const answers = [["127.0.0.1"], ["127.0.0.2"], ["127.0.0.1", "127.0.0.2"]];
  let resolved = 0;
  const web = testFetch({ resolve: () => Promise.resolve(answers[resolved++]!) });
  assertEquals(text(await web.ask(server.origin(), {}, soon())), "yes");
  assertEquals([resolved, asked], [1, 1], "resolved once: for the connection itself");
  assertEquals(trouble(await web.ask(server.origin(), {}, soon())), "refused");
  assertEquals(trouble(await web.ask(server.origin(), {}, soon())), "refused");
  assertEquals([resolved, asked], [3, 1]);
});

Deno.test("a certificate for another name, or of nobody's, ends it", async () => {
  let asked = 0;
  await using server = httpsServer(() => {
    asked++;
    return new Response("yes");
  });
  const here = () => Promise.resolve(["127.0.0.1"]);
  const other = await testFetch({ resolve: here }).ask(server.origin("pay.example.info"), {}, soon());
  assert(!other.ok);
  assertEquals(other.trouble, "unreachable");
  assertEquals(other.reason, `pay.example.info:${server.port}: its certificate is for another name`);
  const guard = new AddressGuard({ resolve: here, isAllowed: () => true });
  assertEquals(trouble(await new GuardedFetch({ guard }).ask(server.origin(), {}, soon())), "unreachable");
  assertEquals(asked, 0);
});

const LEADS: [string, string][] = [
  ["to loopback", "https://[::1]:{port}/"],
  ["to a private address", "https://10.0.0.1:{port}/"],
  ["to metadata", "https://169.254.169.254/latest/meta-data/"],
  ["to a local name", "https://localhost:{port}/"],
  ["to a name that leads to loopback", "https://inner.example.com:{port}/"],
  ["to plain HTTP", "http://pay.example.com:{port}/secret"],
  ["to a file", "file:///etc/passwd"],
  ["with a password", "https://user:sesame@pay.example.com:{port}/secret"],
  ["to a port of something else", "https://pay.example.com:25/"],
];
for (const [what, location] of LEADS) {
  Deno.test(`a redirect ${what} is refused`, async () => {
    const paths: string[] = [];
    await using server = httpsServer((request) => {
      const url = new URL(request.url);
      paths.push(url.pathname);
      return new Response(null, {
        status: 302,
        headers: { location: location.replace("{port}", url.port) },
      });
    });
    const resolve = (host: string) =>
      Promise.resolve([host === "inner.example.com" ? "127.0.0.2" : "127.0.0.1"]);
    const fetched = await testFetch({ resolve }).ask(server.origin(), {}, soon());
    assertEquals(trouble(fetched), "refused");
    assert(!fetched.ok && !fetched.reason.includes("sesame"));
    assertEquals(paths, ["/"]);
  });
}

Deno.test("three redirects are followed and a fourth isn't; another origin gets no headers", async () => {
  const asked: string[] = [];
  await using server = httpsServer((request) => {
    const url = new URL(request.url);
    asked.push(`${url.hostname}${url.pathname} ${request.headers.get("x-key")}`);
    const step = Number(url.pathname.slice(1));
    if (step === 0) return new Response("there");
    const host = step === 2 ? `https://files.example.net:${url.port}` : "";
    return new Response(null, { status: 301, headers: { location: `${host}/${step - 1}` } });
  });
  const web = testFetch();
  const headers = { "x-key": "k" };
  const fetched = await web.ask(`${server.origin()}/3`, { headers }, soon());
  assertEquals(text(fetched), "there");
  assertEquals(asked, [
    "pay.example.com/3 k",
    "pay.example.com/2 k",
    "files.example.net/1 null",
    "files.example.net/0 null",
  ]);
  const endless = await web.ask(`${server.origin()}/4`, {}, soon());
  assert(!endless.ok);
  assertEquals(endless.trouble, "bad_answer");
  assertStringIncludes(endless.reason, "it leads on after 3 redirects");
  const none = await web.ask(`${server.origin()}/1`, { redirects: 0 }, soon());
  assert(none.ok && none.answer.status === 301);
});

const write = (connection: Deno.TlsConn, ...parts: (string | Uint8Array)[]) =>
  parts.reduce(async (before, part) => {
    await before;
    const bytes = typeof part === "string" ? new TextEncoder().encode(part) : part;
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  }, Promise.resolve());
const OK = "HTTP/1.1 200 OK\r\n";
const MANY = 100_000;

const ANSWERS: [string, string, (connection: Deno.TlsConn) => Promise<void>][] = [
  ["an endless body", "bad_answer", async (connection) => {
    await write(connection, OK, "\r\n");
    for (let i = 0; i < MANY; i++) await write(connection, "a".repeat(4096));
  }],
  ["an endless chunked body", "bad_answer", async (connection) => {
    await write(connection, OK, "transfer-encoding: chunked\r\n\r\n");
    for (let i = 0; i < MANY; i++) await write(connection, `1000\r\n${"a".repeat(4096)}\r\n`);
  }],
  ["a length that is too long", "bad_answer", async (connection) => {
    await write(connection, OK, "content-length: 99999999999\r\n\r\n");
    await connection.read(new Uint8Array(1));
  }],
  ["less than its length", "no_answer", async (connection) => {
    await write(connection, OK, "content-length: 100\r\n\r\nabc");
  }],
  ["more than its length", "bad_answer", async (connection) => {
    await write(connection, OK, "content-length: 2\r\n\r\nabcdefgh");
  }],
  ["two lengths", "bad_answer", async (connection) => {
    await write(connection, OK, "content-length: 2\r\ncontent-length: 3\r\n\r\nabc");
  }],
  ["a chunked body cut off", "no_answer", async (connection) => {
    await write(connection, OK, "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
  }],
  ["endless headers", "bad_answer", async (connection) => {
    await write(connection, OK);
    for (let i = 0; i < MANY; i++) await write(connection, `x-${i}: ${"a".repeat(1000)}\r\n`);
  }],
  ["one endless header", "bad_answer", async (connection) => {
    await write(connection, OK, "x: ");
    for (let i = 0; i < MANY; i++) await write(connection, "a".repeat(4096));
  }],
  ["a gzip bomb", "bad_answer", async (connection) => {
    const bomb = gzipSync(new Uint8Array(50_000_000));
    await write(
      connection,
      OK,
      `content-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`,
      bomb,
    );
  }],
  ["a broken gzip", "bad_answer", async (connection) => {
    await write(connection, OK, "content-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc");
  }],
  ["an unknown coding", "bad_answer", async (connection) => {
    await write(connection, OK, "content-encoding: constructor\r\ncontent-length: 3\r\n\r\nabc");
  }],
  ["something else than HTTP", "bad_answer", async (connection) => {
    await write(connection, "SSH-2.0-OpenSSH_9.7\r\n");
  }],
  ["a switch of protocols", "bad_answer", async (connection) => {
    await write(connection, "HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n");
    await connection.read(new Uint8Array(1));
  }],
  ["a redirect to nowhere", "bad_answer", async (connection) => {
    await write(connection, "HTTP/1.1 302 Found\r\nlocation: https://\r\ncontent-length: 0\r\n\r\n");
  }],
  ["nothing", "no_answer", () => Promise.resolve()],
];
for (const [what, expected, answer] of ANSWERS) {
  Deno.test(`who answers ${what} is broken off: ${expected}`, async () => {
    await using server = rawServer(answer);
    const fetched = await testFetch().ask(server.origin(), { mostBytes: 64 * 1024 }, soon());
    assertEquals(trouble(fetched), expected);
  });
}

const SLOW: [string, (connection: Deno.TlsConn) => Promise<void>][] = [
  ["says nothing", async (connection) => void await connection.read(new Uint8Array(1))],
  ["lets its body drip", async (connection) => {
    await write(connection, OK, "content-length: 1000\r\n\r\n");
    for (let i = 0; i < 1000; i++) {
      await write(connection, "a");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }],
  ["only says that it goes on", async (connection) => {
    for (let i = 0; i < 1000; i++) {
      await write(connection, "HTTP/1.1 100 Continue\r\n\r\n");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }],
];
for (const [what, answer] of SLOW) {
  Deno.test(`the whole of it ends with its signal: a server that ${what}`, async () => {
    await using server = rawServer(answer);
    const fetched = await testFetch().ask(server.origin(), {}, AbortSignal.timeout(300));
    assert(!fetched.ok);
    assertEquals([fetched.trouble, fetched.reason], [
      "no_answer",
      `pay.example.com:${server.port}: no answer in time`,
    ]);
  });
}

Deno.test("a name server that doesn't answer ends with the signal, too, and so does what never began", async () => {
  const never = testFetch({ resolve: () => new Promise(() => {}) });
  assertEquals(
    trouble(await never.ask("https://pay.example.com/", {}, AbortSignal.timeout(50))),
    "no_answer",
  );
  assertEquals(
    trouble(await testFetch().ask("https://pay.example.com/", {}, AbortSignal.abort())),
    "no_answer",
  );
});

Deno.test("who can't be reached is unreachable: nothing was asked", async () => {
  const server = httpsServer(() => new Response("yes"));
  await server.stop();
  assertEquals(trouble(await testFetch().ask(server.origin(), {}, soon())), "unreachable");
  assertEquals(trouble(await testFetch().ask("https://nobody.invalid.info/", {}, soon())), "unreachable");
});

Deno.test("an answer that comes compressed all the same is read", async () => {
  await using server = rawServer(async (connection) => {
    const body = gzipSync("hello");
    await write(connection, OK, `content-encoding: gzip\r\ncontent-length: ${body.length}\r\n\r\n`, body);
  });
  assertEquals(text(await testFetch().ask(server.origin(), {}, soon())), "hello");
});

Deno.test("json() reads what is JSON, of a bounded depth, whatever the status is", async () => {
  const bodies: Record<string, Response> = {
    "/good": Response.json({ tag: "payRequest" }),
    "/refusal": Response.json({ status: "ERROR" }, { status: 404 }),
    "/fault": new Response("<html>", { status: 502 }),
    "/page": new Response("<html>"),
    "/deep": new Response("[".repeat(17) + "]".repeat(17)),
    "/empty": new Response(null, { status: 204 }),
  };
  await using server = httpsServer((request) => bodies[new URL(request.url).pathname]!);
  const web = testFetch();
  const json = (path: string) => web.json(`${server.origin()}${path}`, {}, soon());
  const [good, refusal] = [await json("/good"), await json("/refusal")];
  assert(good.ok && refusal.ok);
  assertEquals([good.status, good.value], [200, { tag: "payRequest" }]);
  assertEquals([refusal.status, refusal.value], [404, { status: "ERROR" }]);
  const fault = await json("/fault");
  assert(fault.ok);
  assertEquals([fault.status, fault.value], [502, undefined]);
  const reasons: string[] = [];
  for (const path of ["/page", "/deep", "/empty"]) {
    const fetched = await json(path);
    assert(!fetched.ok && fetched.trouble === "bad_answer");
    reasons.push(fetched.reason.split(": ")[1]!);
  }
  assertEquals(reasons, ["not JSON (HTTP 200)", "JSON nested too deeply (HTTP 200)", "not JSON (HTTP 204)"]);
});
