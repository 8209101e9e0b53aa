import { assert, assertEquals } from "@std/assert";
import { WalletError } from "../../../src/payments/wallet.ts";
import { WalletHttp } from "../../../src/payments/wallets/wallet_http.ts";
import { NODE, type Pair, SIGNED, STRAY } from "./node_certificates.ts";

const soon = () => AbortSignal.timeout(20_000);

Deno.test("a server's own certificate is taken where it was given, wherever the server is reached, and nothing else", async () => {
  const outcomes: [string, Pair, string | undefined, "answers" | "unreachable"][] = [
    ["exactly the given one, for another name", NODE, NODE.cert, "answers"],
    ["not given", NODE, undefined, "unreachable"],
    ["another one was given", NODE, SIGNED.cert, "unreachable"],
    ["signed by the given one, for this name", SIGNED, NODE.cert, "answers"],
    ["signed by the given one, for another name", STRAY, NODE.cert, "unreachable"],
    ["signed by one that wasn't given", SIGNED, undefined, "unreachable"],
  ];
  for (const [what, served, caCert, expected] of outcomes) {
    let asked = 0;
    await using server = serve(served, () => {
      asked++;
      return Response.json({ fine: true });
    });
    const { addr: { port } } = server;
    const http = new WalletHttp({
      name: "It",
      base: new URL(`https://127.0.0.1:${port}/`),
      ...(caCert && { caCert }),
    });
    const outcome = await http.ask("GET", "x", {}, soon()).then(
      ({ body }) => (assertEquals(body, { fine: true }), "answers"),
      (error) => error instanceof WalletError ? error.kind : String(error),
    );
    assertEquals(outcome, expected, what);
    assertEquals(asked, expected === "answers" ? 1 : 0, what);
    http.close();
  }
});

Deno.test("questions and answers are the same as with a certificate that everybody knows", async () => {
  await using server = serve(NODE, async (request) => {
    const { method, headers, url } = request;
    const { pathname, search } = new URL(url);
    const asked = {
      method,
      path: pathname + search,
      secret: headers.get("x-secret"),
      body: await request.text(),
    };
    return Response.json(asked, { status: 409, headers: { "content-type": "application/json" } });
  });
  const http = open(server.addr.port);
  const question = { json: { text: "für" }, query: { a: "ö b" } };
  assertEquals(await http.ask("POST", "v1/x", question, soon()), {
    status: 409,
    body: { method: "POST", path: "/v1/x?a=%C3%B6+b", secret: "s", body: '{"text":"für"}' },
  });
  http.close();
});

Deno.test("an answer that breaks off or doesn't come is no answer; one without end of the wait ends", async () => {
  const endless = Promise.withResolvers<Response>();
  await using server = serve(NODE, (request) => {
    if (request.url.endsWith("/never")) return endless.promise;
    if (request.url.endsWith("/stream")) {
      return new Response(new ReadableStream({ start: (c) => c.enqueue(new Uint8Array(3)) }));
    }
    const broken = new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode('{"half":'));
        controller.error(new Error("it breaks"));
      },
    });
    return new Response(broken);
  });
  const http = open(server.addr.port);
  for (
    const [path, signal] of [["broken", soon()], ["never", AbortSignal.timeout(300)], [
      "stream",
      AbortSignal.timeout(300),
    ]] as const
  ) {
    const error = await http.ask("GET", path, { moves: true }, signal).catch((error) => error);
    assert(error instanceof WalletError && error.kind === "no_answer", `${path}: ${error}`);
  }
  endless.resolve(new Response());
  http.close();
});

function open(port: number): WalletHttp {
  const base = new URL(`https://127.0.0.1:${port}/`);
  return new WalletHttp({ name: "It", base, headers: { "x-secret": "s" }, caCert: NODE.cert });
}

function serve(pair: Pair, answer: (request: Request) => Response | Promise<Response>) {
  const options = {
    ...pair,
    port: 0,
    hostname: "127.0.0.1",
    onListen() {},
    onError: () => new Response(null, { status: 500 }),
  };
  return Deno.serve(options, answer);
}
