/** As much of JSON Schema (2020-12) as the API's description uses. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  pattern?: string;
  format?: string;
}

/** Where a value isn't as its schema says; fields that the schema doesn't name count, so that nothing is shown unsaid. */
export function misfits(
  value: unknown,
  schema: Schema,
  resolve: (reference: string) => Schema,
  at = "",
): string[] {
  if (schema.$ref !== undefined) return misfits(value, resolve(schema.$ref), resolve, at);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) {
    const found = choices.map((one) => misfits(value, one, resolve, at));
    return found.some((one) => one.length === 0) ? [] : found[0]!;
  }
  if (schema.type !== undefined && ![schema.type].flat().some((type) => isOf(value, type))) {
    return [`${at} is ${JSON.stringify(value)}, not ${schema.type}`];
  }
  if (schema.enum && !schema.enum.includes(value)) return [`${at} is none of ${schema.enum}`];
  if (schema.const !== undefined && schema.const !== value) return [`${at} isn't ${schema.const}`];
  if (typeof value === "string") {
    if (schema.pattern !== undefined && !new RegExp(schema.pattern, "u").test(value)) {
      return [`${at}: ${schema.pattern}`];
    }
    if (schema.format === "date-time" && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value)) {
      return [`${at}: time`];
    }
  }
  if (Array.isArray(value)) {
    return schema.items ? value.flatMap((one, i) => misfits(one, schema.items!, resolve, `${at}/${i}`)) : [];
  }
  if (typeof value !== "object" || value === null) return [];
  const missing = (schema.required ?? []).filter((name) => !(name in value)).map((name) =>
    `${at}/${name} is missing`
  );
  const inside = Object.entries(value).flatMap(([name, one]) => {
    const known = schema.properties?.[name] ??
      (typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined);
    if (known) return misfits(one, known, resolve, `${at}/${name}`);
    return schema.properties && schema.additionalProperties !== true ? [`${at}/${name} isn't described`] : [];
  });
  return [...missing, ...inside];
}

function isOf(value: unknown, type: string): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "integer":
      return Number.isInteger(value);
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "boolean":
      return value === true || value === false;
    case "number":
      return Number.isFinite(value);
    default:
      return typeof value === "string" && type === "string";
  }
}
