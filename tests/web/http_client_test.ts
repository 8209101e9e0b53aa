import { assert, assertEquals } from "@std/assert";
import { HttpClient, type HttpClientOptions, HttpFault } from "../../src/web/http_client.ts";

const soon = () => AbortSignal.timeout(20_000);

Deno.test("a question's own headers go before the client's, and a list in its query is a key several times", async () => {
  await using server = serve((request) =>
    Response.json({
      query: [...new URL(request.url).searchParams],
      who: request.headers.get("authorization"),
      also: request.headers.get("x-also"),
    })
  );
  const http = server.http({ headers: { authorization: "of all", "x-also": "too" } });
  const question = { query: { a: "1", "id[]": ["x", "y&z"] }, headers: { authorization: "of this" } };
  assertEquals((await http.ask("GET", "x", question, soon())).body, {
    query: [["a", "1"], ["id[]", "x"], ["id[]", "y&z"]],
    who: "of this",
    also: "too",
  });
  assertEquals(((await http.ask("GET", "x", {}, soon())).body as { who: string }).who, "of all");
});

Deno.test("a fault has the status that it is of, and none where nothing was answered", async () => {
  await using server = serve((request) =>
    new Response(null, { status: Number(new URL(request.url).pathname.slice(1)) })
  );
  const fault = async (http: HttpClient, path: string) => {
    const error = await http.ask("POST", path, { moves: true }, soon()).then(() => null, (error) => error);
    assert(error instanceof HttpFault);
    return [error.kind, error.status];
  };
  const http = server.http();
  assertEquals(await fault(http, "401"), ["unauthorized", 401]);
  assertEquals(await fault(http, "403"), ["unauthorized", 403]);
  assertEquals(await fault(http, "429"), ["busy", 429]);
  assertEquals(await fault(http, "500"), ["no_answer", 500]);
  assertEquals(await fault(http, "302"), ["bad_answer", 302]);
  const nobody = new HttpClient({ name: "It", base: new URL("http://no.such.host.invalid/") });
  assertEquals(await fault(nobody, "x"), ["unreachable", null]);
});

Deno.test("an answer is read up to its most bytes", async () => {
  await using server = serve(() => new Response(" ".repeat(5_000_000)));
  const kind = (http: HttpClient) =>
    http.ask("GET", "x", {}, soon()).then(() => "read", (error) => error.kind);
  assertEquals(await kind(server.http()), "bad_answer");
  assertEquals(await kind(server.http({ mostBytes: 5_000_000 })), "read");
  assertEquals(await kind(server.http({ mostBytes: 4_999_999 })), "bad_answer");
});

function serve(answer: (request: Request) => Response) {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, answer);
  const base = new URL(`http://127.0.0.1:${server.addr.port}/`);
  return {
    http: (options: Partial<HttpClientOptions> = {}) => new HttpClient({ name: "It", base, ...options }),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
