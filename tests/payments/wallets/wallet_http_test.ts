import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { WalletError, type WalletErrorKind } from "../../../src/payments/wallet.ts";
import { type HttpQuestion, WalletHttp } from "../../../src/payments/wallets/wallet_http.ts";
import { httpsServer } from "../../support/https_server.ts";

/** Stands in the base's path, a question's path, its query and a header, and must show in no message. */
const SECRET = "sesame0open1";
const soon = () => AbortSignal.timeout(20_000);

Deno.test("a question goes out as it is meant, and its answer comes back parsed", async () => {
  await using server = serve(async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    const type = request.headers.get("content-type");
    return Response.json({
      method: request.method,
      path: pathname,
      query: Object.fromEntries(searchParams),
      type,
      key: request.headers.get("x-api-key"),
      body: await request.text(),
    });
  });
  const http = server.http();
  const asked = { method: "POST", path: `/${SECRET}/a/b`, key: SECRET };
  for (
    const [question, expected] of [
      [{ json: { a: 1 } }, { query: {}, type: "application/json", body: '{"a":1}' }],
      [{ form: { a: "1 & 2" } }, {
        query: {},
        type: "application/x-www-form-urlencoded",
        body: "a=1+%26+2",
      }],
      [{ query: { "a[ge]": "1&2" } }, { query: { "a[ge]": "1&2" }, type: null, body: "" }],
    ] as [HttpQuestion, unknown][]
  ) {
    const answer = await http.ask("POST", "a/b", question, soon());
    assertEquals(answer, { status: 200, body: { ...asked, ...expected as object } });
  }
});

Deno.test("a path is within the base, whether that ends with a slash or not", () => {
  for (const base of ["http://h:1", "http://h:1/"]) {
    assertEquals(client(new URL(base)).url("a/b").href, "http://h:1/a/b");
  }
  for (const base of ["http://h:1/deep/in", "http://h:1/deep/in/"]) {
    assertEquals(client(new URL(base)).url("a/b").href, "http://h:1/deep/in/a/b");
  }
});

Deno.test("an answer that is no JSON is its text, and an empty one is nothing", async () => {
  await using server = serve((request) =>
    new Response(new URL(request.url).pathname.endsWith("/empty") ? null : "not found, ü", { status: 404 })
  );
  assertEquals(await server.http().ask("GET", "x", {}, soon()), { status: 404, body: "not found, ü" });
  assertEquals(await server.http().ask("GET", "empty", {}, soon()), { status: 404, body: undefined });
});

/** What each status means, for a question and for one that moves money. Null: the caller reads it. */
const STATUSES: [number, WalletErrorKind | null, WalletErrorKind | null][] = [
  [200, null, null],
  [201, null, null],
  [301, "bad_answer", "bad_answer"],
  [307, "bad_answer", "bad_answer"],
  [400, null, null],
  [401, "unauthorized", "unauthorized"],
  [403, "unauthorized", "unauthorized"],
  [404, null, null],
  [408, "busy", "no_answer"],
  [422, null, null],
  [429, "busy", "busy"],
  [500, "busy", "no_answer"],
  [502, "busy", "no_answer"],
  [504, "busy", "no_answer"],
  [520, "busy", "no_answer"],
];

Deno.test("each status has its meaning; of one that moves money a fault leaves open whether it happened", async () => {
  let followed = 0;
  await using server = serve((request) => {
    const status = Number(new URL(request.url).pathname.split("/").at(-1));
    if (status === 0) followed++;
    const headers = { location: `/${SECRET}/0` };
    return new Response(`{"detail":"${SECRET}"}`, { status: status || 200, headers });
  });
  const http = server.http();
  for (const [status, asked, moves] of STATUSES) {
    assertEquals(await kindOf(http.ask("POST", `${status}`, {}, soon())), asked, `${status}`);
    assertEquals(await kindOf(http.ask("POST", `${status}`, { moves: true }, soon())), moves, `${status}`);
    assertEquals(await kindOf(http.ask("POST", `${status}`, { moves: true, plain: true }, soon())), null);
  }
  assertEquals(followed, 0);
});

Deno.test("what failed before a connection stood is unreachable, and says why", async () => {
  const port = freePort();
  await using plain = serve(() => new Response());
  await using tls = httpsServer(() => new Response());
  for (
    const [base, why] of [
      [`http://127.0.0.1:${port}/`, "refused"],
      [`https://127.0.0.1:${new URL(plain.base).port}/`, "corrupt message"],
      [`https://127.0.0.1:${tls.port}/`, "certificate"],
      ["http://no.such.host.invalid/", "lookup"],
      ["http://127.0.0.1:1/", "blocked"],
    ]
  ) {
    for (const moves of [false, true]) {
      const error = await failure(client(new URL(`${SECRET}/`, base)).ask("GET", "x", { moves }, soon()));
      assertEquals(error.kind, "unreachable", error.message);
      assertStringIncludes(error.message, why!);
      assertStringIncludes(error.message, new URL(base!).host);
    }
  }
});

Deno.test("a connection that breaks once the question may have arrived is no answer", async () => {
  const cut = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{";
  const garbage = "220 smtp.example.com ESMTP\r\n";
  for (const says of ["", cut, garbage]) {
    await using server = raw(says);
    const http = client(new URL(`http://127.0.0.1:${server.port}/${SECRET}/`));
    for (const moves of [false, true]) {
      const question = { json: {}, moves };
      assertEquals((await failure(http.ask("POST", "x", question, soon()))).kind, "no_answer", says);
    }
  }
});

Deno.test("what takes longer than the caller waits is no answer, wherever it hangs", async () => {
  const hanging = new AbortController();
  await using server = serve((request) => {
    const body = new ReadableStream<Uint8Array>({ start: (one) => one.enqueue(new Uint8Array(10)) });
    if (request.url.endsWith("/body")) return new Response(body);
    return new Promise<Response>((resolve) =>
      hanging.signal.addEventListener("abort", () => resolve(new Response()))
    );
  });
  for (const path of ["head", "body"]) {
    const asking = server.http().ask("POST", path, { moves: true }, AbortSignal.timeout(200));
    assertEquals((await failure(asking)).kind, "no_answer");
  }
  hanging.abort();
});

Deno.test("what is over before it begins is never sent", async () => {
  let asked = 0;
  await using server = serve(() => new Response(`${asked++}`));
  const error = await failure(server.http().ask("POST", "x", { moves: true }, AbortSignal.abort()));
  assertEquals([error.kind, asked], ["unreachable", 0]);
});

Deno.test("an answer without end is broken off", async () => {
  const over = Promise.withResolvers<void>();
  await using server = serve(() =>
    new Response(
      new ReadableStream({
        pull: (body) => body.enqueue(new Uint8Array(65_536).fill(0x20)),
        cancel: () => over.resolve(),
      }),
    )
  );
  assertEquals((await failure(server.http().ask("GET", "x", {}, soon()))).kind, "bad_answer");
  await over.promise;
});

function client(base: URL): WalletHttp {
  return new WalletHttp({ name: "the wallet", base, headers: { "x-api-key": SECRET } });
}

function serve(answer: (request: Request) => Response | Promise<Response>) {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, answer);
  const base = `http://127.0.0.1:${server.addr.port}/${SECRET}/`;
  return {
    base,
    http: () => client(new URL(base)),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Answers each connection with these bytes and hangs up. */
function raw(says: string): { port: number } & AsyncDisposable {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const serving = (async () => {
    for await (using connection of listener) {
      await connection.read(new Uint8Array(4_096));
      await connection.write(new TextEncoder().encode(says));
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

async function kindOf(asking: Promise<unknown>): Promise<WalletErrorKind | null> {
  const error = await asking.then(() => null, (error) => error);
  return error === null ? null : checked(error).kind;
}

async function failure(asking: Promise<unknown>): Promise<WalletError> {
  return checked(await asking.then(() => new Error("it went well"), (error) => error));
}

function checked(error: unknown): WalletError {
  assert(error instanceof WalletError, String(error));
  assert(!error.message.includes(SECRET), error.message);
  return error;
}
