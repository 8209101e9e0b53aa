import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { type Key, type KeyShape, page, type Slice } from "../db/keyset.ts";
import type { Access } from "./access.ts";
import type { ApiEnv } from "./context.ts";
import { pageOf, pageQuery, placeOf } from "./page.ts";
import { merchantQuery, operation } from "./routes/describe.ts";
import type { Scope } from "./scopes.ts";

type Paging = z.output<z.ZodObject<typeof pageQuery>>;
/** What a list is narrowed to by the query. */
type Narrowed<F extends z.ZodRawShape> = z.output<z.ZodObject<F>> & { merchant?: string | undefined };

/** Adds the route of a list that is read page by page. */
export function addList<const S extends KeyShape, Row, Item extends z.ZodType, F extends z.ZodRawShape>(
  api: OpenAPIHono<ApiEnv>,
  o: {
    path: string;
    id: string;
    summary: string;
    tag: string;
    scope: Scope;
    /** `named`: it may be narrowed to one merchant; `operator`: it is the operator's only. */
    reach: "named" | "operator";
    /** What else it may be narrowed to. */
    filter: F;
    item: Item;
    /** Of a page, in the API's description. */
    name: string;
    /** What of a row says where it stands in the list; `place` gives it. */
    key: S;
    read(filter: Narrowed<F>, slice: Slice<Key<S>>, access: Access): Promise<Row[]>;
    place(row: Row): Key<S>;
    show(rows: Row[]): z.input<Item>[] | Promise<z.input<Item>[]>;
  },
): void {
  const query = { ...pageQuery, ...o.filter };
  api.openapi(
    operation({
      method: "get",
      path: o.path,
      id: o.id,
      summary: o.summary,
      tag: o.tag,
      scope: o.scope,
      reach: o.reach,
      request: { query: o.reach === "named" ? merchantQuery.extend(query) : z.strictObject(query) },
      answer: pageOf(o.item as z.ZodType, o.name),
      status: 200,
    }),
    async (c) => {
      const { limit, cursor, ...filter } = c.req.valid("query") as Narrowed<F> & Paging;
      const after = placeOf(cursor, o.key);
      // One more than asked for tells whether there are more.
      const slice = { limit: limit + 1, after };
      const rows = await o.read(filter as unknown as Narrowed<F>, slice, c.get("access"));
      const cut = page(rows, limit, o.place);
      return c.json({ ...cut, data: await o.show(cut.data) }, 200);
    },
  );
}
