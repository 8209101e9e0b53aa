import type { TestApi } from "./test_api.ts";

/** One operation of the API's description. */
export interface Operation {
  id: string;
  method: string;
  /** With its parameters in braces. */
  path: string;
  /** Null: open to everybody. */
  scope: string | null;
  takesBody: boolean;
}

interface Described {
  operationId: string;
  security?: Record<string, string[]>[];
  requestBody?: unknown;
}

/** Every operation that the program describes. */
export async function operations(api: TestApi): Promise<Operation[]> {
  const { body } = await api.ask("GET", "/openapi.json", { authorization: null });
  return Object.entries<Record<string, Described>>(body.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([verb, { operationId: id, security, requestBody }]) => {
      if (security === undefined) throw new Error(`${id} doesn't say who may`);
      const [scope] = security.flatMap((one) => one.bearer ?? []);
      if (security.length > 0 && scope === undefined) throw new Error(`${id} has no scope`);
      return {
        id,
        method: verb.toUpperCase(),
        path,
        scope: scope ?? null,
        takesBody: requestBody !== undefined,
      };
    })
  );
}

/** A new token of these scopes, as the header carries it. */
export async function tokenFor(api: TestApi, scopes: string[], merchant?: string): Promise<string> {
  const made = await api.post("/tokens", { name: "test", scopes, ...(merchant && { merchant }) });
  if (made.status !== 201) throw new Error(JSON.stringify(made.body));
  return `Bearer ${made.body.token}`;
}
